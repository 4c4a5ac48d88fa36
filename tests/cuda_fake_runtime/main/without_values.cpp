// The main function of a test program on the fake runtime, where no value is right: tests fail by violations,
// and by exceptions that have to do with the device.
#include <gtest/gtest.h>

#include <cstdio>
#include <string>

namespace {

class Exceptions : public testing::EmptyTestEventListener {
  public:
    int count = 0, started = 0;

  private:
    void OnTestStart(const testing::TestInfo& test) override {
        ++started;
        test_ = &test;
    }
    void OnTestPartResult(const testing::TestPartResult& result) override {
        const std::string text = result.summary();
        const auto says = [&text](const char* words) { return text.find(words) != std::string::npos; };
        if (!result.failed() || !says("C++ exception") ||
            !(says("CUDA reported") || says("cuDNN reported") || says("out of memory")))
            return;
        std::printf("%s.%s: %s\n", test_->test_suite_name(), test_->name(), text.c_str());
        ++count;
    }

    const testing::TestInfo* test_ = nullptr;
};

}  // namespace

int main(int argc, char** argv) {
    testing::InitGoogleTest(&argc, argv);
    testing::TestEventListeners& listeners = testing::UnitTest::GetInstance()->listeners();
    delete listeners.Release(listeners.default_result_printer());
    auto* const exceptions = new Exceptions;
    listeners.Append(exceptions);
    if (RUN_ALL_TESTS() == 0) std::printf("all values were right?\n");
    std::printf("%d tests ran, %d ended with an exception of the device\n", exceptions->started,
                exceptions->count);
    return exceptions->started == 0 || exceptions->count > 0;
}
