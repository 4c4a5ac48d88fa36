// Muon: momentum made orthogonal, for the matrices of a network.
#pragma once

#include <array>

#include <adjoint/optim/optimizer.h>

namespace adjoint::optim {

/// How the rate of an (n, m) matrix is adjusted to its shape.
enum class MuonRate {
    original,        ///< times sqrt(max(1, n / m))
    match_rms_adamw  ///< times 0.2 sqrt(max(n, m)), so that AdamW's rates fit
};

struct MuonOptions {
    double lr = 1e-3;
    double weight_decay = 0.1;
    double momentum = 0.95;
    bool nesterov = true;
    std::array<double, 3> ns_coefficients = {3.4445, -4.775, 2.0315};
    double eps = 1e-7;  ///< the least norm that is divided by
    int ns_steps = 5;
    MuonRate adjust_lr_fn = MuonRate::original;
};

/// b = b + (1 - momentum) (g - b); the direction is b, or g + momentum (b - g) with nesterov, brought near
/// the orthogonal matrix closest to it by ns_steps of X = a X + (b A + c A A) X, A = X X^T, X scaled to norm
/// 1; p -= lr (weight_decay p + adjustment direction).
/// shapes: matrices alone.
/// state: "momentum_buffer".
/// errors: as Optimizer::add_group; ShapeError for a parameter that is no matrix; ValueError for an option.
/// source: Jordan et al., Muon, 2024; Liu et al., Muon is scalable for LLM training, 2025.
class ADJOINT_API Muon final : public OptimizerWith<MuonOptions> {
  public:
    explicit Muon(const std::vector<Tensor>& parameters, const MuonOptions& options = {})
        : Muon(std::vector<Group>{{parameters, options}}) {}
    explicit Muon(const std::vector<Group>& groups);

  private:
    UpdateOp update(std::size_t group, double lr, std::int64_t step) const override;
    Tensor direction(std::size_t group, Tensor gradient, const std::vector<Tensor>& states) const override;
    std::int64_t update_key(std::size_t, std::int64_t) const override { return 0; }
    /// It is a constant of a captured step.
    double* momentum_of(std::size_t) override { return nullptr; }
};

}  // namespace adjoint::optim
