// The exceptions of the library: one base class and a few kinds under it.
//
// A message leads with the operation, says what was expected and what came, then a hint where there is a
// usual cause: "matmul: inner sizes differ: (64, 784) x (256, 10): 784 against 256".
#pragma once

#include <stdexcept>
#include <string>

#include <adjoint/core/base/export.h>

#ifndef __cpp_exceptions
#error "adjoint reports errors by exceptions: compile without -fno-exceptions"
#endif

namespace adjoint {

/// The base of all errors of the library.
class ADJOINT_API Error : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
    /// Puts "operation: " in front of a message that does not lead with it yet: for an operation made of
    /// others, whose names alone would not tell the caller which of his own calls is meant.
    void lead(const char* operation);
    /// Puts the place in a model, "fc2 (Linear 100 -> 10): ", in front, unless a layer inside has done so.
    void place(const std::string& where);

  private:
    bool placed_ = false;
};

/// Shapes, sizes or dimension numbers that do not fit the operation.
class ADJOINT_API ShapeError : public Error {
  public:
    using Error::Error;
};

/// An element type that the operation does not take.
class ADJOINT_API DTypeError : public Error {
  public:
    using Error::Error;
};

/// Operands on different devices, or a device that is not there.
class ADJOINT_API DeviceError : public Error {
  public:
    using Error::Error;
};

/// An index, label or dimension outside its range.
class ADJOINT_API IndexError : public Error {
  public:
    using Error::Error;
};

/// An argument whose value makes no sense: a stride of 0, a probability of 2.
class ADJOINT_API ValueError : public Error {
  public:
    using Error::Error;
};

/// Misuse of the graph: a second backward, a saved value that was overwritten.
class ADJOINT_API AutogradError : public Error {
  public:
    using Error::Error;
};

/// A file that is missing, malformed or cannot be written.
class ADJOINT_API IoError : public Error {
  public:
    using Error::Error;
};

/// Memory that could not be had.
class ADJOINT_API OutOfMemoryError : public Error {
  public:
    using Error::Error;
};

/// Something that a captured step cannot repeat.
class ADJOINT_API CaptureError : public Error {
  public:
    using Error::Error;
};

/// What the CUDA driver or one of its libraries reported.
class ADJOINT_API CudaError : public Error {
  public:
    using Error::Error;
};

/// Ranks of a group that do not agree, do not answer, or have failed.
class ADJOINT_API DistributedError : public Error {
  public:
    using Error::Error;
};

/// In a handler: throws the error at hand on, with the operation's name in front, and where the standard
/// library had no memory, or was asked for more than there can be, an OutOfMemoryError in its place.
/// For where the standard library has no memory: an OutOfMemoryError that names the operation.
[[noreturn]] ADJOINT_API void throw_no_memory(const char* operation);
[[noreturn]] ADJOINT_API void rethrow_named(const char* operation);

}  // namespace adjoint
