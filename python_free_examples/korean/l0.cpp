// L0: computational graphs.
#include "phrases.h"

namespace {

constexpr Phrase l0[] = {
    {"apple", "사과"},
    {"apples", "사과 개수"},
    {"orange", "오렌지"},
    {"oranges", "오렌지 개수"},
    {"tax", "세금"},
    {"Draws the fruit shop and the sigmoid neuron.", "과일 가게와 시그모이드 뉴런의 그래프를 그립니다."},

    {"by hand:    price %g, gradients: apple %g, number of apples %g, orange %g, number of oranges %g, tax "
     "%g\n",
     "노드로:   가격 %g, 그래디언트: 사과 %g, 사과 개수 %g, 오렌지 %g, 오렌지 개수 %g, 세금 %g\n"},
    {"by tensors: price %g, gradients: apple %g, number of apples %g, orange %g, number of oranges %g, tax "
     "%g\n",
     "텐서로:   가격 %g, 그래디언트: 사과 %g, 사과 개수 %g, 오렌지 %g, 오렌지 개수 %g, 세금 %g\n"},
    {"The fruit shop of the slides, by hand and by the graph.",
     "슬라이드의 과일 가게를 노드를 직접 호출해서, 그리고 그래프로 계산합니다."},

    {"  by nodes:   df/dq = %g, Df = [%g, %g, %g]\n", "  노드로: df/dq = %g, Df = [%g, %g, %g]\n"},
    {"  by tensors: Df = [%g, %g, %g]\n", "  텐서로: Df = [%g, %g, %g]\n"},
    {"z = (x + y)^2 at (%g, %g): z = %g, dz/dx = %g, 2 (x + y) = %g\n",
     "z = (x + y)^2, 점 (%g, %g)에서: z = %g, dz/dx = %g, 2 (x + y) = %g\n"},
    {"The chain rule on three small functions.", "작은 함수 세 개에 적용한 연쇄 법칙입니다."},

    {"1 / (1 + exp(-s)) at s = %g: chain %.12f, node %.12f, y (1 - y) = %.12f\n",
     "1 / (1 + exp(-s)), s = %g에서: 연쇄 %.12f, 노드 %.12f, y (1 - y) = %.12f\n"},
    {"  d/d%s: chain %+.12f, node %+.12f\n", "  d/d%s: 연쇄 %+.12f, 노드 %+.12f\n"},
    {"A neuron with a sigmoid: its derivatives by the chain and by its node.",
     "시그모이드 뉴런의 도함수를 기본 노드의 연쇄로, 그리고 노드 하나로 구합니다."},

    {"dB = sum of dY over the batch =\n", "dB = 배치에 걸친 dY의 합 =\n"},
    {"\n  formula: ", "\n  공식과 같은가: "},
    {"one sample, (2,) by (2, 3), as the slides have it: y = ",
     "슬라이드처럼 표본 하나, (2,)와 (2, 3): y = "},
    {"The affine node and its three gradients.", "어파인 노드와 그 그래디언트 세 개입니다."},

    {"%s loss %.4f, gradient", "%s 손실 %.4f, 그래디언트"},
    {"four samples; y = 0.8 0.3 0.6 0.1, t = 1 0 1 0\n", "표본 네 개; y = 0.8 0.3 0.6 0.1, t = 1 0 1 0\n"},
    {"slides (fn::MSE)", "슬라이드 (fn::MSE)"},
    {"half the sum", "합의 절반"},
    {"mse_loss (mean)", "mse_loss (평균)"},
    {"The slides' gradient is that of 1/2 sum / batch: a quarter of the second line's.\n",
     "슬라이드의 그래디언트는 1/2 sum / batch의 그래디언트로, 둘째 줄의 사분의 일입니다.\n"},
    {"The mean squared error and its gradient in three forms.",
     "평균 제곱 오차와 그 그래디언트를 세 가지 형태로 보여 줍니다."},

    {"loss at six moments of %d epochs, then the outputs for 00 01 10 11 (wanted 0 1 1 0)\n",
     "%d 에폭 가운데 여섯 시점의 손실, 그다음 00 01 10 11에 대한 출력 (목표 0 1 1 0)\n"},
    {"XOR from five first weights, and from some that fail",
     "다섯 가지 초기 가중치로 학습한 XOR, 그리고 실패한 예"},
    {"loss, 1/2 sum (t - y)^2", "손실, 1/2 sum (t - y)^2"},
    {"seed %d", "시드 %d"},
    {"%s: loss", "%s: 손실"},
    {"  outputs", "  출력"},
    {"%d of %d seeds learn XOR%s%s\n", "XOR를 학습한 시드 %d / %d개%s%s\n"},
    {"; not", "; 학습하지 못한 시드"},
    {"--quick is too short for that\n", "--quick은 그러기에 너무 짧습니다\n"},
    {"XOR by nodes that are called by hand, from several seeds.",
     "노드를 직접 호출해 만든 XOR를 여러 시드에서 학습합니다."},

    {"input %g %g  target %g  output %.3f\n", "입력 %g %g  목표 %g  출력 %.3f\n"},
    {"seed %d: loss", "시드 %d: 손실"},
    {"\nat the slides' rate, 0.1: loss %.4f -> %.4f\n", "\n슬라이드의 학습률 0.1에서: 손실 %.4f -> %.4f\n"},
    {"XOR by modules, an optimizer and a loader: the curve of l0_7.",
     "모듈, 옵티마이저, 로더로 학습하는 XOR: l0_7과 같은 곡선이 나옵니다."},

    {"least squares: w = (%.4f, %.4f), b = %.4f\n", "최소 제곱: w = (%.4f, %.4f), b = %.4f\n"},
    {"by hand: outputs", "손으로 정한 가중치: 출력"},
    {"wanted 0", "목표 0"},
    {"wanted 1", "목표 1"},
    {"the inputs: no line divides", "입력: 어떤 직선으로도 나뉘지 않음"},
    {"the hidden units, two points at one place", "은닉 유닛: 두 점이 한곳에 겹침"},
    {"output 1/2", "출력 1/2"},
    {"XOR: least squares fails, two ReLU units suffice.",
     "XOR: 최소 제곱은 실패하고 ReLU 유닛 두 개면 충분합니다."},
};

}  // namespace

std::span<const Phrase> l0_phrases() { return l0; }
