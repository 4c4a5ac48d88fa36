// What the exercises are written with: blank() where code is missing, and the checks that say what is right.
#pragma once

#include <adjoint/adjoint.h>

#include <cmath>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

/// What a blank throws.
struct Unfinished {
    const char* file;
    int line;
    const char* wanted;
};

/// Stands where a value of any type is wanted.
struct Anything {
    template <class T> operator T() const { throw std::logic_error("a blank has no value"); }
};

/// A blank, to be replaced by what it asks for.
[[noreturn]] inline Anything blank(const char* wanted, const char* file = __builtin_FILE(),
                                   int line = __builtin_LINE()) {
    throw Unfinished{file, line, wanted};
}

/// Looks at what an exercise gives, claim by claim, and says which hold.
class Checks {
  public:
    void holds(const char* what, bool right, const std::string& otherwise = "") {
        ++made_;
        right_ += right;
        std::printf("  %s  %s%s%s\n", right ? "right" : "wrong", what, right || otherwise.empty() ? "" : ": ",
                    right ? "" : otherwise.c_str());
    }
    /// Each element within `tolerance` of what is expected, and of its size.
    void equal(const char* what, const adjoint::Tensor& got, const adjoint::Tensor& expected,
               double tolerance = 1e-6) {
        if (!got.defined() || got.shape() != expected.shape())
            return holds(what, false,
                         "expected shape " + adjoint::to_string(expected.shape()) + ", got " +
                             (got.defined() ? adjoint::to_string(got.shape()) : "nothing"));
        const std::vector<double> is = got.to_vector<double>(), wanted = expected.to_vector<double>();
        for (std::size_t i = 0; i < is.size(); ++i)
            if (!(std::abs(is[i] - wanted[i]) <= tolerance * (1 + std::abs(wanted[i])))) {
                char text[128];
                std::snprintf(text, sizeof text, "element %d of %d: expected %.6g, got %.6g",
                              static_cast<int>(i), static_cast<int>(is.size()), wanted[i], is[i]);
                return holds(what, false, text);
            }
        holds(what, true);
    }
    void equal(const char* what, double got, double expected, double tolerance = 1e-6) {
        equal(what, adjoint::full({}, got, adjoint::f64), adjoint::full({}, expected, adjoint::f64),
              tolerance);
    }
    /// The derivatives of `f` against finite differences.
    void gradient(const char* what, const adjoint::TensorFunction& f,
                  const std::vector<adjoint::Tensor>& inputs) {
        const adjoint::GradcheckResult result = adjoint::gradcheck(f, inputs);
        holds(what, result.ok, result.message);
    }

    int made() const { return made_; }
    int right() const { return right_; }

  private:
    int made_ = 0, right_ = 0;
};

/// Runs the checks of an exercise, which has the name of the file that calls this. The last line says how
/// far it is; the exit status is 0 when all is right. A first blank ends the run.
template <class Body> int run_exercise(Body body, std::string name = __builtin_FILE()) {
    name = name.substr(name.find_last_of('/') + 1);
    name = name.substr(0, name.find('.'));
    Checks checks;
    const auto ends = [&](const std::string& how) {
        std::printf("%s: %s\n", name.c_str(), how.c_str());
        return 1;
    };
    try {
        adjoint::manual_seed(1);
        body(checks);
    } catch (const Unfinished& blank) {
        const std::string file = blank.file;
        return ends("a blank is left, " + file.substr(file.find_last_of('/') + 1) + ":" +
                    std::to_string(blank.line) + ": " + blank.wanted);
    } catch (const std::exception& error) {
        return ends(std::string("stops with ") + error.what());
    }
    if (checks.right() < checks.made())
        return ends(std::to_string(checks.right()) + " of " + std::to_string(checks.made()) + " checks hold");
    ends("passes");
    return 0;
}

/// Random f64 numbers whose gradient is wanted.
inline adjoint::Tensor random_variable(const adjoint::Shape& shape) {
    return adjoint::randn(shape, adjoint::f64).set_requires_grad();
}
