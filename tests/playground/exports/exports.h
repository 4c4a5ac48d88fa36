// Settings whose programs are written, compiled and held to the playground, and for how many epochs.
#pragma once

#include <cstddef>

namespace adjoint::playground {

inline constexpr int exported_epochs = 3;
inline constexpr const char* exported_settings[] = {
    "",
    "data=spiral&noise=10&layers=8,8&optimizer=adam&init=xavier&penalty=l2&penalty_rate=0.003&seed=2",
    "data=xor&train=70&batch=7&features=x1^2,x1x2,sin(x2)&layers=3&activation=relu&optimizer=nesterov"
    "&dropout=20&batch_norm=1&seed=3",
    "data=hills&layers=5,4,3&activation=gelu&optimizer=rmsprop&rate=0.01&init=orthogonal&penalty=l1&seed=4",
    "data=gauss&layers=&optimizer=adagrad&seed=5",
    "data=plane&noise=25&layers=2&activation=leaky_relu&optimizer=momentum&init=zeros&seed=6",
};

}  // namespace adjoint::playground
