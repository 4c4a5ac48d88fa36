// Writing files so that a reader sees the old content or the new, never a part.
#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <climits>
#include <cstdlib>
#include <memory>

#include <adjoint/core/base/format.h>
#include <adjoint/data/descriptor.h>
#include <adjoint/data/file.h>
#include <adjoint/data/memory.h>

namespace adjoint::data {

namespace {

constexpr std::size_t buffer_size = 256 * 1024;
constexpr std::string_view temporary_ending = ".tmp";

[[noreturn]] void cannot_write(const std::string& path, int code) {
    const std::size_t slash = path.rfind('/');
    struct stat info {};
    if (code == ENOENT && slash != std::string::npos && slash > 0 &&
        ::stat(path.substr(0, slash).c_str(), &info) != 0)
        fail<IoError>("{}: cannot be written: there is no folder {}", path, path.substr(0, slash));
    fail<IoError>("{}: cannot be written: {}", path, system_reason(code));
}

}  // namespace

void Writer::write(std::span<const std::byte> bytes) {
    if (buffer_.size() + bytes.size() > buffer_size) flush();
    if (bytes.size() >= buffer_size) return write_through(bytes);
    buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
}

void Writer::flush() {
    write_through(buffer_);
    buffer_.clear();
}

void Writer::write_through(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
        const ssize_t count = ::write(descriptor_, bytes.data(), bytes.size());
        if (count < 0) {
            if (errno == EINTR) continue;
            cannot_write(path_, errno);
        }
        bytes = bytes.subspan(static_cast<std::size_t>(count));
    }
}

namespace {

/// A target path taken apart: the folder, and what the names of its temporaries start with.
struct Target {
    std::string path, folder, prefix;

    explicit Target(std::string full) : path(std::move(full)) {
        const std::size_t slash = path.rfind('/');
        const std::string file = slash == std::string::npos ? path : path.substr(slash + 1);
        folder = slash == std::string::npos ? "." : path.substr(0, std::max<std::size_t>(slash, 1));
        // A file name holds 255 bytes: room for the process and counter.
        prefix = fmt::format(".{}.adjoint-", file.substr(0, 200));
    }
    std::string beside(std::string_view file) const { return fmt::format("{}/{}", folder, file); }
};

/// Removes what killed processes left: a living writer holds a lock on its temporary file.
void remove_stale(const Target& target) {
    const std::unique_ptr<DIR, int (*)(DIR*)> listing(::opendir(target.folder.c_str()), ::closedir);
    if (!listing) return;
    while (const dirent* entry = ::readdir(listing.get())) {
        const std::string_view file = entry->d_name;
        if (!file.starts_with(target.prefix) || !file.ends_with(temporary_ending)) continue;
        const std::string path = target.beside(file);
        const Descriptor found(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
        if (found.valid() && ::flock(found.get(), LOCK_EX | LOCK_NB) == 0) ::unlink(path.c_str());
    }
}

/// The temporary file of one save: locked while it lives, removed unless it was renamed.
class Temporary {
  public:
    Temporary(const Target& target, mode_t mode) {
        static std::atomic<unsigned> counter{0};
        constexpr int attempts = 1000;
        for (int i = 0; i < attempts; ++i) {
            path_ = target.beside(
                fmt::format("{}{}-{}{}", target.prefix, ::getpid(), counter++, temporary_ending));
            file_ =
                Descriptor(::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode));
            if (!file_.valid()) {
                if (errno == EEXIST) continue;
                const int code = errno;
                path_.clear();
                cannot_write(target.path, code);
            }
            // The lock belongs to the open file, so the duplicate keeps it from close to rename.
            lock_ = Descriptor(::fcntl(file_.get(), F_DUPFD_CLOEXEC, 0));
            ::flock(file_.get(), LOCK_EX);
            // Another writer may have taken the file for a dead one's before it was locked.
            struct stat info {};
            if (::fstat(file_.get(), &info) == 0 && info.st_nlink > 0) return;
        }
        path_.clear();
        fail<IoError>("{}: no name left for a temporary file beside it", target.path);
    }
    ~Temporary() {
        if (!path_.empty()) ::unlink(path_.c_str());
    }
    Temporary(const Temporary&) = delete;
    Temporary& operator=(const Temporary&) = delete;

    Descriptor& file() noexcept { return file_; }
    bool rename_to(const std::string& path) noexcept {
        if (::rename(path_.c_str(), path.c_str()) != 0) return false;
        path_.clear();
        return true;
    }

  private:
    std::string path_;
    Descriptor file_, lock_;
};

/// fsync, where "this kind of file has none" is no error.
bool synchronise(const Descriptor& file) noexcept {
    while (::fsync(file.get()) != 0) {
        if (errno == EINVAL || errno == EROFS || errno == ENOTSUP) return true;
        if (errno != EINTR) return false;
    }
    return true;
}

void write_directly(const std::string& path, const std::function<void(Writer&)>& fill) {
    Descriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (!file.valid()) cannot_write(path, errno);
    Writer writer(file.get(), path);
    fill(writer);
    writer.flush();
    if (!synchronise(file) || !file.close()) cannot_write(path, errno);
}

void replace(const Target& target, mode_t mode, bool exists, const std::function<void(Writer&)>& fill) {
    remove_stale(target);
    Temporary temporary(target, mode);
    Descriptor& file = temporary.file();
    Writer writer(file.get(), target.path);
    fill(writer);
    writer.flush();
    // Creation applied the process's mask, this does not. A file system without modes may refuse.
    if (exists && ::fchmod(file.get(), mode) != 0 && errno != EPERM && errno != ENOTSUP)
        cannot_write(target.path, errno);
    if (!synchronise(file) || !file.close() || !temporary.rename_to(target.path))
        cannot_write(target.path, errno);
    const Descriptor folder(::open(target.folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    // A folder may be open to writing and closed to reading; then it cannot be synchronised either.
    if (!folder.valid() && errno == EACCES) return;
    if (!folder.valid() || !synchronise(folder)) cannot_write(target.path, errno);
}

// The file that a path means whose links lead to one that is not there yet.
std::string end_of_links(std::string path) {
    constexpr int most = 40;  // as the system follows
    for (int links = 0; links < most; ++links) {
        std::string link(PATH_MAX, '\0');
        const ssize_t size = ::readlink(path.c_str(), link.data(), link.size());
        if (size < 0) break;
        link.resize(static_cast<std::size_t>(size));
        const std::size_t slash = path.rfind('/');
        if (link.starts_with('/') || slash == std::string::npos)
            path = link;
        else
            path = path.substr(0, slash + 1) + link;
    }
    return path;
}

// What a path leads to.
struct Destination {
    std::string path;  // behind all links
    mode_t mode = 0666;
    bool exists = false;
    bool directly = false;  // a pipe or device, that nothing can be put in the place of
};

Destination destination_of(const std::string& path) {
    check<IoError>(!path.empty() && path.back() != '/', "'{}': cannot be written: not a file name", path);
    constexpr mode_t all_bits = 07777;
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) {
        if (errno != ENOENT) cannot_write(path, errno);
        return {.path = end_of_links(path)};
    }
    check<IoError>(!S_ISDIR(info.st_mode), "{}: cannot be written: it is a directory", path);
    if (!S_ISREG(info.st_mode)) return {.path = path, .exists = true, .directly = true};
    // A rename needs no right to write the old file, yet a user who protected it means it.
    if (::access(path.c_str(), W_OK) != 0) cannot_write(path, errno);
    const std::unique_ptr<char, void (*)(void*)> real(::realpath(path.c_str(), nullptr), std::free);
    if (!real) cannot_write(path, errno);
    return {.path = real.get(), .mode = info.st_mode & all_bits, .exists = true};
}

void write_whole(const std::string& path, const std::function<void(Writer&)>& fill) {
    const Destination to = destination_of(path);
    if (to.directly) return write_directly(to.path, fill);
    replace(Target(to.path), to.mode, to.exists, fill);
}

}  // namespace

void atomic_write(const std::string& path, const std::function<void(Writer&)>& fill) {
    in_memory(path, [&] { write_whole(path, fill); });
}

void check_writable(const std::string& path) {
    in_memory(path, [&] {
        const Destination to = destination_of(path);
        if (!to.directly)
            const Temporary made_and_removed(Target(to.path), to.mode);
        else if (::access(to.path.c_str(), W_OK) != 0)
            cannot_write(path, errno);
    });
}

}  // namespace adjoint::data
