// What ranks say that do not do the same, and a model for them to disagree on.
#pragma once

#include <gtest/gtest.h>

#include <exception>
#include <functional>
#include <string>

#include <adjoint/core/contract/generator.h>
#include <adjoint/nn/activation.h>
#include <adjoint/nn/linear.h>
#include <adjoint/nn/sequential.h>

#include "distributed/ranks.h"

namespace adjoint::distributed {

// What the rank that failed first says.
inline std::string fault_of(int ranks, const std::function<void(const Group&)>& f) {
    try {
        run_quick(ranks, f);
    } catch (const std::exception& error) {
        return error.what();
    }
    return "nothing was thrown";
}

inline void expect_fault(const std::string& fault, const char* part) {
    EXPECT_NE(fault.find(part), std::string::npos) << fault;
}

inline nn::Sequential two_layers() {
    manual_seed(1);
    return nn::Sequential(nn::Linear(4, 4), nn::Tanh(), nn::Linear(4, 4));
}

}  // namespace adjoint::distributed
