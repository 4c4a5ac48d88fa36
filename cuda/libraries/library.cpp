// The search for shared libraries.
#include <adjoint/cuda/libraries/library.h>

#include <dlfcn.h>
#include <glob.h>
#include <link.h>

#include <cstdlib>
#include <filesystem>
#include <system_error>

#include <adjoint/core/base/format.h>

namespace adjoint::cuda_backend {
namespace {

namespace fs = std::filesystem;

std::string environment(const char* name) {
    const char* value = std::getenv(name);
    return value ? value : "";
}

std::vector<std::string> folders_in(const std::string& list) {
    std::vector<std::string> folders;
    for (std::size_t start = 0; start < list.size();) {
        const std::size_t end = std::min(list.find(':', start), list.size());
        if (end > start) folders.push_back(list.substr(start, end - start));
        start = end + 1;
    }
    return folders;
}

void add_matches(std::vector<std::string>& all, const std::string& pattern) {
    glob_t found{};
    if (glob(pattern.c_str(), 0, nullptr, &found) == 0)
        for (std::size_t i = 0; i < found.gl_pathc; ++i) all.emplace_back(found.gl_pathv[i]);
    globfree(&found);
}

// Folders that hold lib/python3.x: virtual environments, the Python on PATH, the system's.
std::vector<std::string> python_prefixes() {
    std::vector<std::string> prefixes;
    for (const char* name : {"VIRTUAL_ENV", "CONDA_PREFIX"})
        if (const std::string prefix = environment(name); !prefix.empty()) prefixes.push_back(prefix);
    for (const std::string& folder : folders_in(environment("PATH"))) {
        std::error_code error;
        if (!fs::exists(fs::path(folder) / "python3", error)) continue;
        prefixes.push_back(fs::path(folder).parent_path().string());
        break;
    }
    if (const std::string home = environment("HOME"); !home.empty()) prefixes.push_back(home + "/.local");
    prefixes.emplace_back("/usr/local");
    prefixes.emplace_back("/usr");
    return prefixes;
}

}  // namespace

std::vector<std::string> library_candidates(const std::string& file) {
    std::vector<std::string> all;
    for (const std::string& folder : folders_in(environment("ADJOINT_CUDA_LIBRARIES")))
        all.push_back(folder + "/" + file);
    all.push_back(file);
    for (const char* name : {"CUDA_HOME", "CUDA_PATH"})
        if (const std::string toolkit = environment(name); !toolkit.empty())
            all.push_back(toolkit + "/lib64/" + file);
    all.push_back("/usr/local/cuda/lib64/" + file);
    for (const std::string& prefix : python_prefixes())
        for (const char* packages : {"/lib/python3*/site-packages", "/lib/python3*/dist-packages"})
            add_matches(all, prefix + packages + "/nvidia/*/lib/" + file);
    return all;
}

std::string locate_library(const std::string& file) {
    std::vector<std::string> loader = folders_in(environment("LD_LIBRARY_PATH"));
    loader.insert(loader.end(), {"/usr/lib/x86_64-linux-gnu", "/lib64", "/usr/lib64", "/usr/lib"});
    for (const std::string& candidate : library_candidates(file)) {
        std::error_code error;
        if (candidate != file) {
            if (fs::exists(candidate, error)) return candidate;
            continue;
        }
        for (const std::string& folder : loader)
            if (fs::exists(fs::path(folder) / file, error)) return folder + "/" + file;
    }
    return {};
}

OpenLibrary open_library(const std::string& file) {
    OpenLibrary library;
    std::string tried;
    for (const std::string& candidate : library_candidates(file)) {
        library.handle = dlopen(candidate.c_str(), RTLD_NOW | RTLD_LOCAL);
        if (library.handle) {
            link_map* map = nullptr;
            library.location = dlinfo(library.handle, RTLD_DI_LINKMAP, &map) == 0 ? map->l_name : candidate;
            return library;
        }
        const char* reason = dlerror();
        std::error_code error;
        const bool there = candidate != file && fs::exists(candidate, error);
        tried += tried.empty() ? "" : ", ";
        tried += there && reason ? std::string(reason) : candidate;
    }
    library.problem = fmt::format(
        "{} was not found; tried {}; install it or name its folder in ADJOINT_CUDA_LIBRARIES", file, tried);
    return library;
}

void* find_symbol(const OpenLibrary& library, const char* name) noexcept {
    return dlsym(library.handle, name);
}

cuda::Component opened_component(const OpenLibrary& library, std::size_t version) {
    cuda::Component component;
    component.location = library.location;
    component.problem = library.problem;
    if (version > 0)
        component.version = fmt::format("{}.{}.{}", version / 10000, version / 100 % 100, version % 100);
    return component;
}

cuda::Component located_component(const std::string& file, const char* advice) {
    cuda::Component component;
    component.location = locate_library(file);
    if (component.location.empty()) {
        component.problem = fmt::format("{} was not found; {}", file, advice);
        return component;
    }
    // libcudnn.so.9 is a link to libcudnn.so.9.19.0, or carries no more than that.
    std::error_code error;
    const std::string real = fs::canonical(component.location, error).filename().string();
    const std::size_t suffix = real.find(".so.");
    component.version = suffix == std::string::npos ? "?" : real.substr(suffix + 4);
    return component;
}

}  // namespace adjoint::cuda_backend
