// Where a test writes its files.
#pragma once

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace adjoint {

/// A fresh folder, removed with its content at the end of the test: tests run side by side.
class TemporaryFolder {
  public:
    explicit TemporaryFolder(const std::filesystem::path& where = std::filesystem::temp_directory_path()) {
        std::string pattern = (where / "adjoint-test-XXXXXX").string();
        if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
        path_ = pattern;
    }
    ~TemporaryFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;

    const std::string& path() const { return path_; }
    std::string operator/(const std::string& name) const { return path_ + "/" + name; }
    /// Makes a file and returns its path.
    std::string file(const std::string& name, std::string_view content) const {
        std::string path = *this / name;
        // Some file systems flush a file that replaces its own content, which costs a millisecond each time.
        std::filesystem::remove(path);
        std::ofstream(path, std::ios::binary) << content;
        return path;
    }
    std::vector<std::string> entries() const {
        std::vector<std::string> names;
        for (const auto& entry : std::filesystem::directory_iterator(path_))
            names.push_back(entry.path().filename().string());
        return names;
    }

  private:
    std::string path_;
};

}  // namespace adjoint
