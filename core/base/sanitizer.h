// Whether a sanitizer watches: g++ says so by a macro, clang by a feature.
#pragma once

#if defined(__has_feature)
#define ADJOINT_HAS_FEATURE(name) __has_feature(name)
#else
#define ADJOINT_HAS_FEATURE(name) 0
#endif

#if defined(__SANITIZE_ADDRESS__) || ADJOINT_HAS_FEATURE(address_sanitizer)
#define ADJOINT_ADDRESS_SANITIZER 1
#else
#define ADJOINT_ADDRESS_SANITIZER 0
#endif

#if defined(__SANITIZE_THREAD__) || ADJOINT_HAS_FEATURE(thread_sanitizer)
#define ADJOINT_THREAD_SANITIZER 1
#else
#define ADJOINT_THREAD_SANITIZER 0
#endif

#undef ADJOINT_HAS_FEATURE
