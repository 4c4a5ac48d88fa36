// Images in folders, one folder for each class, read as they are needed.
//
//     const data::ImageFolder pets("pets/train", {.height = 64, .width = 64});  // pets/train/cat/1.jpg, ..
//     const std::vector<std::int64_t> samples{3, 0, 17};
//     const data::Batch batch = pets.get(samples);  // x f32 (3, 3, 64, 64), y i64 (3)
//
// Any number of threads may ask at once.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <adjoint/data/image.h>
#include <adjoint/data/loader.h>

namespace adjoint::data {

/// How an image gets the size of the batch.
enum class ImageFit : std::uint8_t {
    stretch,  ///< resize_image
    crop      ///< crop_image
};

struct ImageFolderOptions {
    std::int64_t height = 224, width = 224;
    ImageFit fit = ImageFit::stretch;
    std::int64_t channels = 3;                ///< 1 grey, 3 RGB, 4 with opacity
    std::vector<double> mean = {}, std = {};  ///< as in normalize_image
    /// Images in their final size are kept, as bytes, until they take this much memory; what no longer fits
    /// is read again each time.
    std::uint64_t cache_bytes = std::uint64_t{1} << 30;
    std::uint64_t pixel_limit = ImageReadOptions{}.pixel_limit;
};

/// The .png, .jpg and .jpeg files of each class's folder and of the folders in it. Classes and files are in
/// the order of their names. Loaders and fit take it as it is, or behind a shared pointer.
class ADJOINT_API ImageFolder : public Source {
  public:
    /// errors: IoError naming the folder that is missing, has no class folders, or a class without images;
    /// ValueError for options.
    explicit ImageFolder(const std::string& directory, const ImageFolderOptions& options = {});

    std::int64_t size() const noexcept override;
    /// Images and their classes.
    /// shapes: x (n, C, H, W), y (n).
    /// dtypes: x f32, y i64.
    /// errors: IndexError; as read_image.
    Batch get(std::span<const std::int64_t> samples) const override;

    /// One image before it is normalised: u8 (C, H, W).
    Tensor image(std::int64_t sample) const;
    const std::string& path(std::int64_t sample) const;
    /// The number of the image's class.
    std::int64_t label(std::int64_t sample) const;
    const std::vector<std::string>& classes() const noexcept;
    /// "1200 images of 3 classes in pets/train; 2 files of other kinds are left out"
    const std::string& note() const noexcept;
    /// What the cache holds, in bytes.
    std::uint64_t cached_bytes() const;

  private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace adjoint::data
