// Where MNIST is looked for, what is checked, and what the user is told.
#include <adjoint/data/mnist.h>

#include <optional>

#include <adjoint/data/idx.h>

#include "test_files.h"

namespace adjoint::data {
namespace {

/// Sets or removes an environment variable until the end of the scope.
class Variable {
  public:
    Variable(const char* name, const char* value) : name_(name) {
        if (const char* const before = std::getenv(name)) before_ = before;
        set(value);
    }
    ~Variable() { set(before_ ? before_->c_str() : nullptr); }
    Variable(const Variable&) = delete;
    Variable& operator=(const Variable&) = delete;

  private:
    void set(const char* value) const {
        if (value)
            ::setenv(name_, value, 1);
        else
            ::unsetenv(name_);
    }
    const char* name_;
    std::optional<std::string> before_;
};

/// Makes `path` the working directory until the end of the scope.
class WorkingDirectory {
  public:
    explicit WorkingDirectory(const std::string& path) : before_(std::filesystem::current_path()) {
        std::filesystem::current_path(path);
    }
    ~WorkingDirectory() { std::filesystem::current_path(before_); }
    WorkingDirectory(const WorkingDirectory&) = delete;
    WorkingDirectory& operator=(const WorkingDirectory&) = delete;

  private:
    std::filesystem::path before_;
};

Tensor pictures(std::int64_t count, std::int64_t side = 28) {
    const Tensor out = empty({count, side, side}, {.dtype = DType::u8});
    for (std::int64_t i = 0; i < out.numel(); ++i) out.impl().data[i] = static_cast<char>(i % 251);
    return out;
}
Tensor digits(std::int64_t count) {
    const Tensor out = empty({count}, {.dtype = DType::u8});
    for (std::int64_t i = 0; i < count; ++i) out.impl().data[i] = static_cast<char>(i % 10);
    return out;
}

void make_set(const std::string& folder, const std::string& separator = "-", const std::string& ending = "") {
    std::filesystem::create_directories(folder);
    write_idx(folder + "/train-images" + separator + "idx3-ubyte" + ending, pictures(12));
    write_idx(folder + "/train-labels" + separator + "idx1-ubyte" + ending, digits(12));
    write_idx(folder + "/t10k-images" + separator + "idx3-ubyte" + ending, pictures(5));
    write_idx(folder + "/t10k-labels" + separator + "idx1-ubyte" + ending, digits(5));
}

TEST(Mnist, ReadsAllFormsOfTheNames) {
    for (const std::string separator : {"-", "."})
        for (const std::string ending : {"", ".gz"}) {
            const TemporaryFolder folder;
            make_set(folder.path(), separator, ending);
            const Mnist data = load_mnist(folder.path());
            EXPECT_TRUE(same(data.train.images, pictures(12)));
            EXPECT_TRUE(same(data.train.labels, digits(12)));
            EXPECT_TRUE(same(data.test.images, pictures(5)));
            EXPECT_TRUE(same(data.test.labels, digits(5)));
            EXPECT_EQ(data.name, "MNIST-like data");
            EXPECT_EQ(data.source, folder.path());
            EXPECT_EQ(data.note,
                      "MNIST-like data from " + folder.path() +
                          ": 12 training and 5 test images; not MNIST, because the directory given names "
                          "this directory");
        }
}

// As the rows of a CSV file with a header.
std::string rows_of(const Tensor& images, const Tensor& labels) {
    std::string text = "label";
    for (int i = 0; i < 784; ++i) text += ",p" + std::to_string(i);
    for (std::int64_t i = 0; i < labels.numel(); ++i) {
        text += "\n" + std::to_string(labels.data<std::uint8_t>()[i]);
        for (int at = 0; at < 784; ++at)
            text += "," + std::to_string(images.data<std::uint8_t>()[i * 784 + at]);
    }
    return text + "\n";
}

TEST(Mnist, ReadsCsv) {
    const TemporaryFolder folder;
    folder.file("mnist_train.csv", rows_of(pictures(12), digits(12)));
    expect_error([&] { load_mnist(folder.path()); }, {"has no train-images-idx3-ubyte"});
    folder.file("mnist_test.csv", rows_of(pictures(5), digits(5)));
    const Mnist data = load_mnist(folder.path());
    EXPECT_TRUE(same(data.train.images, pictures(12)));
    EXPECT_TRUE(same(data.train.labels, digits(12)));
    EXPECT_TRUE(same(data.test.images, pictures(5)));
    EXPECT_TRUE(same(data.test.labels, digits(5)));
    EXPECT_EQ(data.name, "MNIST") << "as the names of the files say";
    const std::string test = folder / "mnist_test.csv";
    folder.file("mnist_test.csv", "1,2,3\n");
    expect_error([&] { load_mnist(folder.path()); }, {test, "1 rows of 3 numbers"});
    std::string odd = rows_of(pictures(1), digits(1));
    folder.file("mnist_test.csv", odd.replace(odd.find('\n') + 1, 1, "10"));
    expect_error([&] { load_mnist(folder.path()); }, {test, "label 10 at index 0"});
    odd = rows_of(pictures(1), digits(1));
    folder.file("mnist_test.csv", odd.replace(odd.size() - 2, 1, "0.5"));
    expect_error([&] { load_mnist(folder.path()); }, {test, "sample 0, expected a whole number"});
}

TEST(Mnist, RefusesAnotherSetThanTheWantedOne) {
    const TemporaryFolder folder;
    folder.file("fashion-mnist_train.csv", rows_of(pictures(12), digits(12)));
    folder.file("fashion-mnist_test.csv", rows_of(pictures(5), digits(5)));
    const Mnist data = load_mnist(folder.path(), MnistSet::fashion);
    EXPECT_EQ(data.name, "Fashion-MNIST");
    EXPECT_EQ(data.classes.at(9), "Ankle boot");
    expect_error([&] { load_mnist(folder.path(), MnistSet::mnist); }, {"holds Fashion-MNIST, not MNIST"});
    // Beside what $ADJOINT_DATA names.
    const TemporaryFolder sets;
    make_set(sets / "mnist");
    std::filesystem::create_directories(sets / "fashion-mnist");
    for (const char* name : {"fashion-mnist_train.csv", "fashion-mnist_test.csv"})
        std::filesystem::copy(folder / name, sets / "fashion-mnist/" + name);
    const Variable set("ADJOINT_DATA", (sets / "mnist").c_str());
    EXPECT_EQ(load_mnist().name, "MNIST-like data");
    EXPECT_EQ(load_mnist("", MnistSet::fashion).source, (sets / "mnist") + "/../fashion-mnist");
    expect_error([&] { load_mnist("", MnistSet::mnist); }, {"holds MNIST-like data, not MNIST"});
}

TEST(Mnist, SaysWhatIsMissing) {
    const TemporaryFolder folder;
    expect_error([&] { load_mnist(folder / "none"); },
                 {folder / "none", "no such directory", "scripts/fetch_data mnist"});
    expect_error([&] { load_mnist(folder.file("a", "")); }, {folder / "a", "is not a directory"});
    make_set(folder.path());
    std::filesystem::remove(folder / "t10k-labels-idx1-ubyte");
    expect_error([&] { load_mnist(folder.path()); },
                 {folder.path(),
                  "has no t10k-labels-idx1-ubyte or t10k-labels-idx1-ubyte.gz or "
                  "t10k-labels.idx1-ubyte or t10k-labels.idx1-ubyte.gz; scripts/fetch_data mnist",
                  "dataset-fashion-mnist"});
}

TEST(Mnist, ChecksTheFiles) {
    const TemporaryFolder folder;
    const std::string images = folder / "train-images-idx3-ubyte",
                      labels = folder / "train-labels-idx1-ubyte";
    make_set(folder.path());
    write_idx(labels, digits(11));
    expect_error([&] { load_mnist(folder.path()); }, {images, "12 images, but 11 labels in " + labels});
    write_idx(labels, tensor<std::uint8_t>({0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0}, {12}));
    expect_error([&] { load_mnist(folder.path()); }, {labels, "label 10 at index 10 is outside [0, 10)"});
    write_idx(labels, pictures(12));
    expect_error([&] { load_mnist(folder.path()); }, {labels, "(12, 28, 28) of u8, expected (N,) of u8"});
    make_set(folder.path());
    write_idx(images, pictures(12, 32));
    expect_error([&] { load_mnist(folder.path()); }, {images, "(12, 32, 32) of u8, expected (N, 28, 28)"});
    write_idx(images, pictures(0));
    write_idx(labels, digits(0));
    expect_error([&] { load_mnist(folder.path()); }, {images, "holds no images"});
    folder.file("train-images-idx3-ubyte", "<html>");
    expect_error([&] { load_mnist(folder.path()); }, {images, "not an IDX file"});
}

TEST(Mnist, LooksInTheEnvironmentThenInTheProject) {
    const TemporaryFolder folder;
    make_set(folder / "named");
    make_set(folder / "data/mnist");
    const WorkingDirectory inside(folder.path());
    {
        const Variable data("ADJOINT_DATA", (folder / "named").c_str());
        EXPECT_EQ(load_mnist().source, folder / "named");
        EXPECT_NE(load_mnist().note.find("because $ADJOINT_DATA names this directory"), std::string::npos);
        EXPECT_EQ(load_mnist(folder / "data/mnist").source, folder / "data/mnist");
    }
    {
        const Variable data("ADJOINT_DATA", (folder / "nowhere").c_str());
        expect_error([&] { load_mnist(); }, {folder / "nowhere", "$ADJOINT_DATA", "no such directory"});
    }
    for (const char* const value : {static_cast<const char*>(nullptr), ""}) {
        const Variable data("ADJOINT_DATA", value);
        EXPECT_EQ(load_mnist().source, "data/mnist");
    }
}

TEST(Mnist, FallsBackToThePackageAndSaysSo) {
    const TemporaryFolder folder;
    const WorkingDirectory inside(folder.path());
    const Variable unset("ADJOINT_DATA", nullptr);
    if (!std::filesystem::exists("/usr/share/datasets/fashion-mnist/train-images-idx3-ubyte.gz")) {
        expect_error([&] { load_mnist(); }, {"$ADJOINT_DATA is not set", "data/mnist: no such directory",
                                             "/usr/share/datasets/fashion-mnist", "scripts/fetch_data mnist",
                                             "dataset-fashion-mnist"});
        return;
    }
    const Mnist data = load_mnist();
    EXPECT_EQ(data.name, "Fashion-MNIST");
    EXPECT_EQ(data.note,
              "Fashion-MNIST from /usr/share/datasets/fashion-mnist: 60000 training and 10000 test images; "
              "not MNIST, because $ADJOINT_DATA is not set and data/mnist: no such directory");
}

TEST(Mnist, KnowsTheRealData) {
    if (real_data().empty()) GTEST_SKIP() << "ADJOINT_DATA is not set";
    const Mnist data = load_mnist();
    EXPECT_EQ(data.train.images.shape(), (Shape{60000, 28, 28}));
    EXPECT_EQ(data.test.labels.shape(), Shape{10000});
    EXPECT_TRUE(data.name == "MNIST" || data.name == "Fashion-MNIST") << data.name;
    EXPECT_EQ(data.classes.at(9), data.name == "MNIST" ? "9" : "Ankle boot");
    if (data.name != "MNIST") return;
    EXPECT_EQ(data.note, "MNIST from " + real_data() + ": 60000 training and 10000 test images");
    EXPECT_EQ(data.train.labels.data<std::uint8_t>()[0], 5);
    const auto* const pixels = data.train.images.data<std::uint8_t>();
    double sum = 0;
    for (std::int64_t i = 0; i < data.train.images.numel(); ++i) sum += pixels[i];
    EXPECT_NEAR(sum / static_cast<double>(data.train.images.numel()) / 255, 0.1306604762738429, 1e-12);
}

}  // namespace
}  // namespace adjoint::data
