// L4: regularisation and training analysis.
#include "phrases.h"

namespace {

constexpr Phrase l4[] = {
    {"test accuracy %.4f, loss %.4f after %zu epochs\n", "테스트 정확도 %.4f, 손실 %.4f, %zu 에폭 뒤\n"},
    {"784-128-64-10, ReLU, plain SGD", "784-128-64-10, ReLU, 단순한 SGD"},
    {"784-128-64-10 on MNIST: plain descent, 20 % of the images held out.",
     "MNIST의 784-128-64-10: 단순한 경사 하강, 이미지의 20 %는 검증용으로 떼어 둡니다."},

    {"lasso (L1)", "라쏘 (L1)"},
    {"ridge (L2)", "릿지 (L2)"},
    {"elastic net", "엘라스틱 넷"},
    {"Sum of the weights' sizes", "가중치 크기의 합"},
    {"strength of the penalty", "벌점의 세기"},
    {"sum of |w|", "|w|의 합"},
    {"penalty      strength  sum of |w|  sum of w^2  below 0.001  train     test\n",
     "벌점             세기    |w|의 합    w^2의 합   0.001 미만  학습    테스트\n"},
    {"no penalty", "벌점 없음"},
    {", strength 0.001", ", 세기 0.001"},
    {"weight", "가중치"},
    {"Lasso, ridge and elastic net: how weights shrink as the penalty grows.",
     "라쏘, 릿지, 엘라스틱 넷: 벌점이 커질수록 가중치가 얼마나 줄어드는지 보여 줍니다."},

    {"The same ten digits, changed", "여러 방법으로 바꾼 같은 숫자 열 개"},
    {"hue", "색조"},
    {"saturation", "채도"},
    {"brightness", "밝기"},
    {"stretching", "늘이기"},
    {"lens", "렌즈 왜곡"},
    {"Six scenes, changed", "여러 방법으로 바꾼 장면 여섯 개"},
    {"translate", "이동"},
    {"rotate", "회전"},
    {"shear", "기울이기"},
    {"stretch", "늘이기"},
    {"crop, resize", "자르기"},
    {"together", "모두 함께"},
    {"flip", "좌우 뒤집기"},
    {"Accuracy on images never seen", "본 적 없는 이미지에 대한 정확도"},
    {"%s training accuracy %.4f, test accuracy %.4f\n", "%s 학습 정확도 %.4f, 테스트 정확도 %.4f\n"},
    {"Data augmentation: a sheet of changed digits, accuracy with and without.",
     "데이터 증강: 바꾼 숫자의 이미지 모음, 있을 때와 없을 때의 정확도입니다."},

    {"healthy", "정상"},
    {"too small a model", "너무 작은 모델"},
    {"ended too early", "너무 일찍 끝남"},
    {"few images, many epochs", "적은 이미지, 많은 에폭"},
    {"rate too low", "학습률이 너무 작음"},
    {"rate too high", "학습률이 너무 큼"},
    {"rate far too high", "학습률이 지나치게 큼"},
    {"weights begin at zero", "가중치가 0에서 시작"},
    {"biases begin at -5", "편향이 -5에서 시작"},
    {"  nothing found\n", "  찾은 것 없음\n"},
    {"Under-fitting, over-fitting, bad first weights, stalled: named by the diagnosis.",
     "과소적합, 과대적합, 나쁜 초기 가중치, 정체에 진단이 이름을 붙여 줍니다."},

    {"mish", "미시"},
    {"Loss at equal budget", "같은 에폭 수로 비교한 손실"},
    {"validation loss", "검증 손실"},
    {"activation  training loss    test loss  test accuracy  seconds per epoch\n",
     "함수            학습 손실  테스트 손실  테스트 정확도    에폭당 시간, 초\n"},
    {"Eight activations in one net: loss and accuracy at equal budget.",
     "한 신경망에 활성화 함수 여덟 개를 넣어 같은 에폭 수의 손실과 정확도를 비교합니다."},

    {"stochastic depth", "확률적 깊이"},
    {"fractional max pool", "분수 최대 풀링"},
    {"batch normalisation", "배치 정규화"},
    {"cutout", "컷아웃"},
    {"mixup", "믹스업"},
    {"regulariser          training accuracy  test accuracy    test loss\n",
     "규제 방법                  학습 정확도  테스트 정확도  테스트 손실\n"},
    {"Dropout, DropConnect, stochastic depth, fractional pooling, batch normalisation, cutout, mixup: a "
     "table.",
     "드롭아웃, DropConnect, 확률적 깊이, 분수 풀링, 배치 정규화, 컷아웃, 믹스업의 표입니다."},

    {"Accuracy on the images learnt from and on others", "학습한 이미지와 본 적 없는 이미지에 대한 정확도"},
    {"training accuracy", "학습 정확도"},
    {"row %d, column %d: printed %g, but max(0, %g) = %g\n",
     "행 %d, 열 %d: 인쇄된 값은 %g이지만 max(0, %g) = %g\n"},
    {"max(0, x) with the slides' slip =\n", "슬라이드의 오류가 든 max(0, x) =\n"},
    {"maximum(x, 0) is the same: ", "maximum(x, 0)도 같은가: "},
    {"max(0, x) and tanh of one matrix, element by element.",
     "한 행렬의 max(0, x)와 tanh를 원소마다 계산합니다."},
};

}  // namespace

std::span<const Phrase> l4_phrases() { return l4; }
