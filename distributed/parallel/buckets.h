// Gradients gathered into few large tensors, which are summed over the ranks while others are made. Private.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <adjoint/distributed/parallel/sharding.h>

namespace adjoint::distributed {

class Buckets {
  public:
    Buckets(const Sharding& sharding, Group group, const DataParallelOptions& options);

    /// A backward pass begins. Sums of an earlier one are put aside.
    /// errors: ValueError where gradients of this rank alone were added to such a sum.
    void begin();
    /// The gradient of a leaf is complete; of what is no parameter nothing is done.
    void add(const Tensor& leaf);
    /// The pass is over: what is not under way yet goes, and grad() becomes the sum, or nothing where the
    /// gradients are shared out and another rank has it.
    void finish();
    /// Instead of finish(), if the pass has failed: what was put aside is in its place again.
    void give_up();

    /// What compression has taken from the gradients of each parameter on this rank, undefined where nothing.
    std::vector<Tensor> residuals() const;
    /// The parameters in the order in which their gradients travel.
    const std::vector<std::size_t>& order() const noexcept { return order_; }
    /// Goes on as another run stood.
    void go_on(std::vector<std::size_t> order, const std::vector<Tensor>& residuals);

  private:
    struct Bucket {
        std::vector<std::size_t> parameters;
        std::int64_t numel = 0;     // of all, each at a place of its own
        std::int64_t complete = 0;  // gradients that are in it
        Tensor flat = {};           // the gradients, then for each parameter whether there is one
        Tensor residual = {};       // what compression has taken away so far
        Tensor sent = {};           // what travels
        std::optional<Work> work = {};
    };
    struct Place {
        std::size_t bucket = 0;
        std::int64_t offset = 0, number = 0;
        bool filled = false;
    };

    std::vector<bool> trainable() const;
    void plan();
    void put_residuals(const std::vector<Tensor>& of_parameters);
    void put_aside();
    void add_aside();
    void learn_order();
    void fill(std::size_t parameter, const Tensor& gradient);
    void send(Bucket& bucket);
    void take(Bucket& bucket);
    void send_complete();
    bool sums_on_owner() const;
    bool is_elsewhere(const Bucket& bucket) const;
    Tensor part(const Tensor& flat, std::size_t parameter) const;

    const Sharding& sharding_;
    const std::vector<Tensor>& parameters_;  // of the sharding
    const Group group_;
    const DataParallelOptions options_;
    std::vector<bool> trainable_;
    std::vector<std::size_t> order_;     // of the parameters, as their gradients come
    std::vector<std::size_t> arrivals_;  // of this pass
    bool learned_ = false;               // the order is that of a pass
    std::vector<Bucket> buckets_;
    std::vector<Place> places_;  // of each parameter
    std::string purpose_;        // of all messages by this plan
    std::string rates_;          // of the steps before this pass
    std::vector<Tensor> aside_;  // sums of an earlier pass, of each parameter
    std::size_t sent_ = 0;       // buckets that are under way
};

}  // namespace adjoint::distributed
