// L1: a deep net class.
#include "phrases.h"

namespace {

constexpr Phrase l1[] = {
    {"gradcheck of the %s: %s\n", "그래디언트 검사 gradcheck, %s: %s\n"},
    {"chain rule", "연쇄 법칙"},
    {"slides' rule", "슬라이드의 규칙"},
    {"right", "옳음"},
    {"slides' update / gradient, from the last layer:", "슬라이드의 업데이트 / 그래디언트, 마지막 층부터:"},
    {", slides", ", 슬라이드"},
    {", right, no biases", ", 연쇄, 편향 없음"},
    {", right", ", 연쇄 법칙"},
    {"2-4-2-1 sigmoid", "2-4-2-1 시그모이드"},
    {"2-4-1 sigmoid", "2-4-1 시그모이드"},
    {"2-4-2-1 tanh first", "2-4-2-1 첫 층 tanh"},
    {"2-4-1 tanh first", "2-4-1 첫 층 tanh"},
    {"%s, epoch %d", "%s, 에폭 %d"},
    {"%s %d of %d seeds learn XOR%s%s\n", "%s XOR를 학습한 시드 %d / %d개%s%s\n"},
    {"sqrt(sum of e^2)", "sqrt(e^2의 합)"},
    {"XOR by 2-4-2-1: cost per epoch", "2-4-2-1로 학습한 XOR: 에폭별 비용"},
    {"XOR by 2-4-1", "2-4-1로 학습한 XOR"},
    {"%s cost %.3f -> %.3f, right %.2f, outputs", "%s 비용 %.3f -> %.3f, 정답률 %.2f, 출력"},
    {"First weights that lead nowhere", "학습에 실패하는 초기 가중치"},
    {"A class for nets of any depth learns XOR, as the slides have it and with the chain rule.",
     "층수가 자유로운 신경망 클래스가 슬라이드의 방식과 연쇄 법칙으로 XOR를 학습합니다."},

    {"Half moons: loss per epoch", "반달 데이터: 에폭별 손실"},
    {"batch (800)", "배치 (800)"},
    {"mini-batch (32)", "미니배치 (32)"},
    {"stochastic (1)", "확률적 (1)"},
    {"%s %4d steps an epoch, loss %.4f -> %.4f, accuracy %.3f, %.2f ms an epoch\n",
     "%s 에폭당 %4d 스텝, 손실 %.4f -> %.4f, 정확도 %.3f, 에폭당 %.2f ms\n"},
    {"Batch, mini-batch and stochastic gradient descent: loss curves and time.",
     "배치, 미니배치, 확률적 경사 하강법의 손실 곡선과 시간입니다."},

    {"Loss with and without dropout", "드롭아웃이 있을 때와 없을 때의 손실"},
    {"dropout %.1f: training loss %.4f accuracy %.4f, validation loss %.4f accuracy %.4f, gap %.4f\n",
     "드롭아웃 %.1f: 학습 손실 %.4f 정확도 %.4f, 검증 손실 %.4f 정확도 %.4f, 차이 %.4f\n"},
    {"no dropout", "드롭아웃 없음"},
    {", training", ", 학습"},
    {", validation", ", 검증"},
    {"Training and validation loss of one net with and without dropout.",
     "한 신경망의 학습 손실과 검증 손실을 드롭아웃이 있을 때와 없을 때로 비교합니다."},
};

}  // namespace

std::span<const Phrase> l1_phrases() { return l1; }
