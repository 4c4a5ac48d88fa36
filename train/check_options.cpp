// Each option by itself, and with what else is given.
#include <adjoint/train/check_options.h>

#include <limits>

#include <adjoint/autograd/record/autocast.h>
#include <adjoint/core/base/format.h>

namespace adjoint::train {

void check_options(const data::Samples& samples, const FitOptions& options) {
    check<ValueError>(options.epochs >= 0, "fit: {} epochs", options.epochs);
    check<ValueError>(options.validation_split >= 0 && options.validation_split < 1,
                      "fit: validation_split {} is outside [0, 1)", options.validation_split);
    check<ValueError>(options.validation_split == 0 || !options.validation,
                      "fit: both a validation set and a validation_split are given");
    if (const data::Dataset* const set = samples.dataset())
        check<ShapeError>(set->inputs.defined() && set->targets.defined(),
                          "fit: the data set has no inputs or no targets");
    check<ValueError>(!samples.is_stream() || options.validation_split == 0,
                      "fit: a validation_split of a stream, whose last samples nobody knows; give a "
                      "validation set");
    check<ValueError>(options.accumulate >= 1, "fit: accumulate {}, expected 1 or more", options.accumulate);
    check<ValueError>(options.batch_size <= std::numeric_limits<std::int64_t>::max() / options.accumulate,
                      "fit: accumulate {} with batches of {}", options.accumulate, options.batch_size);
    check<ValueError>(options.clip_norm >= 0, "fit: clip_norm {}, expected 0 or more", options.clip_norm);
    check<ValueError>(options.validate_every >= 1, "fit: validate_every {}, expected 1 or more",
                      options.validate_every);
    if (options.autocast) named("fit", [&] { Autocast(*options.autocast); });
    check<ValueError>(!options.group || options.capture != CaptureMode::on,
                      "fit: steps in which other ranks have a part cannot be captured; CaptureMode::on goes "
                      "without a group");
    check<ValueError>(options.average.index() == 0 || options.parallel.shard < distributed::Shard::parameters,
                      "fit: an average of weights that are shared out, which no rank has all of");
}

}  // namespace adjoint::train
