// Records as text.
#include <adjoint/train/history.h>

#include <adjoint/core/format.h>

namespace adjoint::train {
namespace {

std::string score_text(const Score& score) {
    std::string text = fmt::format("loss {:.4f}", score.loss);
    if (!std::isnan(score.accuracy)) text += fmt::format("  accuracy {:.4f}", score.accuracy);
    return text;
}

}  // namespace

std::string to_string(const EpochRecord& record, int epochs) {
    std::string text = fmt::format("epoch {}/{}  {}", record.epoch, epochs, score_text(record.train));
    if (!std::isnan(record.validation.loss)) text += "  validation " + score_text(record.validation);
    return text + fmt::format("  {:.2f} s", record.seconds);
}

}  // namespace adjoint::train
