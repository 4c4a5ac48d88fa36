// Libraries that are opened when they are first used: a program starts without them
// and says if they are missing.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <adjoint/core/cuda/cuda.h>

namespace adjoint::cuda_backend {

/// Where `file` may be, in this order: folders in ADJOINT_CUDA_LIBRARIES, the loader's own path (the bare
/// name), the toolkit, the nvidia/*/lib folders of Python's wheels.
std::vector<std::string> library_candidates(const std::string& file);

/// The first candidate that is a file, without opening it; empty if there is none.
std::string locate_library(const std::string& file);

/// What an attempt to open a library came to.
struct OpenLibrary {
    void* handle = nullptr;
    std::string location;  // of the file
    std::string problem;   // names what was tried and what to do
};
OpenLibrary open_library(const std::string& file);
void* find_symbol(const OpenLibrary& library, const char* name) noexcept;

// A table of functions: a struct of pointers, under the names of the functions, of a list X(name)..; each(f)
// calls f(name, pointer) for each of them.
#define ADJOINT_LIBRARY_TABLE(Table, LIST)                                 \
    struct Table {                                                         \
        LIST(ADJOINT_LIBRARY_ENTRY)                                        \
        template <class F> void each(F&& f) { LIST(ADJOINT_LIBRARY_CALL) } \
    };
#define ADJOINT_LIBRARY_ENTRY(name) decltype(&::name) name = nullptr;
#define ADJOINT_LIBRARY_CALL(name) f(#name, name);

/// An open library and the table of its functions; usable if `problem` is empty.
template <class Table> struct Library : OpenLibrary {
    Table table;

    explicit Library(const std::string& file) : OpenLibrary(open_library(file)) {
        if (!handle) return;
        table.each([this]<class F>(const char* name, F*& entry) {
            entry = reinterpret_cast<F*>(find_symbol(*this, name));
            if (!entry && problem.empty())
                problem = location + " has no function " + name + "; another version is needed";
        });
    }
    bool usable() const noexcept { return problem.empty(); }
};

/// The state of a library for cuda::software(): with its own version number if it is opened, with that in the
/// name of its file otherwise.
cuda::Component cublaslt_component(bool open);
cuda::Component cudnn_component(bool open);
cuda::Component nccl_component(bool open);
/// The first kind; `version` is 91900 for 9.19.0, and 0 where the library could not be asked.
cuda::Component opened_component(const OpenLibrary& library, std::size_t version);
/// The second kind.
cuda::Component located_component(const std::string& file, const char* advice);

}  // namespace adjoint::cuda_backend
