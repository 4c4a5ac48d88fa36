// All that a device can be asked to compute: a call is a value, one struct for each verb, in one list.
//
// A call has a name, named operands and `memory`, which tells a visitor what the call reads, writes and
// updates: reads(data, elements, type) and so on, null where there is nothing. Everything was checked on the
// floor above (shapes, types, devices; broadcasting has become strides of 0): a device validates nothing but
// the contents of index tensors.
//
// Every device has Upload, Fill, Map, Zip, Select, Reduce, ArgReduce, MatMul, Gather, Scatter, Random and
// Update. The others have a composition of these, beside the call, except for recurrent layers and attention.
#pragma once

#include <variant>

#include <adjoint/core/contract/calls/activation.h>
#include <adjoint/core/contract/calls/attention.h>
#include <adjoint/core/contract/calls/batch.h>
#include <adjoint/core/contract/calls/chain.h>
#include <adjoint/core/contract/calls/clip.h>
#include <adjoint/core/contract/calls/convolution.h>
#include <adjoint/core/contract/calls/elementwise.h>
#include <adjoint/core/contract/calls/index.h>
#include <adjoint/core/contract/calls/linear.h>
#include <adjoint/core/contract/calls/matmul.h>
#include <adjoint/core/contract/calls/normalize.h>
#include <adjoint/core/contract/calls/random.h>
#include <adjoint/core/contract/calls/recurrence.h>
#include <adjoint/core/contract/calls/reduce.h>
#include <adjoint/core/contract/calls/softmax.h>
#include <adjoint/core/contract/calls/update.h>
#include <adjoint/core/contract/calls/upload.h>
#include <adjoint/core/contract/calls/windows.h>

namespace adjoint {

template <class... Calls> struct CallList { using Variant = std::variant<Calls...>; };

using Calls =
    CallList<call::Upload, call::Fill, call::Map, call::Zip, call::Select, call::Reduce, call::ArgReduce,
             call::MatMul, call::Gather, call::Scatter, call::Random, call::Dropout, call::Update,
             call::LinearBackward, call::BackwardUpdate, call::ClipNorm, call::ActivationBackward,
             call::Softmax, call::SoftmaxBackward, call::CrossEntropy, call::BatchNorm,
             call::BatchNormBackward, call::LayerNorm, call::LayerNormBackward, call::Scan, call::Sort,
             call::Unfold, call::Fold, call::MaxPool, call::MaxPoolBackward, call::AvgPool,
             call::AvgPoolBackward, call::Convolve, call::ConvolveInput, call::ConvolveWeight, call::Chain,
             call::ChainReduce, call::Recurrent, call::RecurrentBackward, call::Attend, call::AttendBackward,
             call::TakeRows, call::Tally>;

/// Any of them.
using AnyCall = Calls::Variant;

}  // namespace adjoint
