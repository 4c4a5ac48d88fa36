// ONNX files. Not a part of adjoint.h: a program that includes it links adjoint::onnx.
#pragma once

#include <adjoint/onnx/export/export.h>
#include <adjoint/onnx/format/file.h>
#include <adjoint/onnx/format/model.h>
#include <adjoint/onnx/format/tensor_value.h>
#include <adjoint/onnx/import/network.h>
