// The parts of the operator table for what layers of networks are made of.
#pragma once

#include "op_table/op_table.h"

namespace adjoint::table {

void add_convolution(Rows& rows);
void add_pooling(Rows& rows);
void add_resample(Rows& rows);
void add_row_norm(Rows& rows);
void add_sort(Rows& rows);
void add_einsum(Rows& rows);

}  // namespace adjoint::table
