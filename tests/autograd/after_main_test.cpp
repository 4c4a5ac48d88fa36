// Tensors where the locals of a thread, or of the program, are gone already: in destructors that run late.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/convolution.h>
#include <adjoint/autograd/ops/linalg.h>
#include <adjoint/autograd/ops/reduce.h>
#include <adjoint/autograd/ops/softmax.h>
#include <adjoint/core/base/error.h>
#include <adjoint/core/base/warning.h>
#include <adjoint/core/tensor/creation.h>

namespace adjoint {
namespace {

// Products, convolutions, reductions, random numbers and a backward pass, whose results are known.
bool trains() {
    const Tensor x = ones({40, 30}, {.requires_grad = true}), w = full({30, 50}, 2, {.requires_grad = true});
    const Tensor image = ones({2, 3, 12, 12}, {.requires_grad = true}), kernel = ones({4, 3, 3, 3});
    (sum(matmul(x, w)) + sum(conv2d(image, kernel)) + sum(softmax(rand({5, 7}), 1))).backward();
    return equal(x.grad(), full({40, 30}, 100)) && equal(w.grad(), full({30, 50}, 40)) &&
           image.grad().to_vector<float>()[6 * 12 + 6] == 36;
}

// Memory that nobody else may write to, of the sizes that working memory of a thread has.
class Guarded {
  public:
    Guarded() {
        for (std::size_t pages = 200; pages > 0; --pages) {
            auto* const block = static_cast<unsigned char*>(std::aligned_alloc(4096, 4096 * pages));
            std::memset(block, 0xA5, 4096 * pages);
            blocks_.push_back(block);
        }
    }
    ~Guarded() {
        for (unsigned char* block : blocks_) std::free(block);
    }
    Guarded(const Guarded&) = delete;
    Guarded& operator=(const Guarded&) = delete;
    bool untouched() const {
        std::size_t pages = 200;
        for (const unsigned char* block : blocks_) {
            const std::size_t bytes = 4096 * pages--;
            if (std::count(block, block + bytes, 0xA5) != static_cast<std::ptrdiff_t>(bytes)) return false;
        }
        return true;
    }

  private:
    std::vector<unsigned char*> blocks_;
};

struct Late {
    bool* done = nullptr;
    ~Late() {
        const Guarded guarded;  // among them what the thread's locals have given back
        const bool right = trains() && guarded.untouched();
        if (done)
            *done = right;
        else if (!right)
            std::_Exit(3);
    }
};

TEST(AfterMain, AStaticObjectMayTrain) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_EXIT(
        {
            static const Late
                late;  // goes after all that is made from here on, and after the thread's locals
            std::exit(trains() ? 0 : 2);
        },
        testing::ExitedWithCode(0), "");
}

TEST(AfterMain, SoMayALocalOfAThread) {
    for (int round = 0; round < 3; ++round) {
        bool before = false, late = false;
        std::thread([&] {
            thread_local Late local;
            local.done = &late;
            before = trains();
        }).join();
        EXPECT_TRUE(before);
        EXPECT_TRUE(late);
    }
}

}  // namespace
}  // namespace adjoint
