// What the library says in the programs' place: of a training, of a model, on the page of a run. A # stands
// for a number.
#include "phrases.h"

namespace {

constexpr Phrase library[] = {
    // How a training goes.
    {"epoch #/#  loss #  # s", "에폭 #/#  손실 #  #초"},
    {"epoch #/#  loss #  accuracy #  # s", "에폭 #/#  손실 #  정확도 #  #초"},
    {"epoch #/#  loss #  validation loss #  # s", "에폭 #/#  손실 #  검증 손실 #  #초"},
    {"epoch #/#  loss #  accuracy #  validation loss #  accuracy #  # s",
     "에폭 #/#  손실 #  정확도 #  검증 손실 #  정확도 #  #초"},
    {"training", "학습"},
    {"validation", "검증"},
    {"training (NaN)", "학습 (NaN)"},

    // What a diagnosis finds.
    {"diverged", "발산"},
    {"stalled", "정체"},
    {"under-fitting", "과소적합"},
    {"over-fitting", "과대적합"},
    {"dead units", "죽은 유닛"},
    {"bad initialisation", "나쁜 초기화"},
    {"The loss of epoch # is not finite", "에폭 #의 손실이 유한하지 않습니다"},
    {"The training loss rose from # to #", "학습 손실이 #에서 #(으)로 올랐습니다"},
    {"Lower the learning rate by a factor of #, normalise the inputs, or clip the gradients",
     "학습률을 #분의 일로 줄이거나, 입력을 정규화하거나, 그래디언트를 자르세요"},
    {"The training loss began at # and never fell below #",
     "학습 손실이 #에서 시작해 # 아래로 내려가지 않았습니다"},
    {"Check that the optimizer has the model's parameters and that gradients are not zero; try other "
     "learning "
     "rates, another initialisation, and whether the model can learn ten samples by heart",
     "옵티마이저에 모델의 매개변수가 들어 있는지, 그래디언트가 영이 아닌지 확인하세요. 다른 학습률과 다른 "
     "초기화를 써 보고, 모델이 표본 열 개를 외울 수 있는지 보세요"},
    {"The validation loss was best in epoch # with # and rose to #, while the training loss fell from # to #",
     "검증 손실은 에폭 #에서 #(으)로 가장 좋았고 그 뒤 #(으)로 올랐지만, 학습 손실은 #에서 #(으)로 "
     "내렸습니다"},
    {"Stop early, use dropout or weight decay, more or augmented data, or a smaller model",
     "일찍 멈추거나, 드롭아웃이나 가중치 감쇠, 더 많거나 증강한 데이터, 더 작은 모델을 쓰세요"},
    {"The training loss was still falling, by # in the last epoch, when the training ended at #",
     "학습 손실이 마지막 에폭에서도 #만큼 내려가던 중에 #에서 학습이 끝났습니다"},
    {"The training loss was still falling, by # in the last # epochs, when the training ended at #",
     "학습 손실이 #만큼, 마지막 # 에폭 동안에도 내려가던 중에 #에서 학습이 끝났습니다"},
    {"Train for more epochs, or with a higher learning rate", "더 많은 에폭을 학습하거나 학습률을 높이세요"},
    {"The training loss settled at #, more than half of the # it began with",
     "학습 손실이 #에서 멈추었는데, 이는 처음 값 #의 절반이 넘습니다"},
    {"Try a larger model, less regularisation, better features, or another learning rate",
     "더 큰 모델, 더 약한 규제, 더 나은 특성, 다른 학습률을 써 보세요"},
    {"# % of the units behind layer # are # for every sample",
     "유닛의 # %가 층 # 뒤에서 모든 표본에 대해 #입니다"},
    {"Lower the learning rate, use LeakyReLU, GELU or batch normalisation, or initialise the layer before "
     "with "
     "kaiming_uniform_",
     "학습률을 낮추거나, LeakyReLU, GELU 또는 배치 정규화를 쓰거나, 앞 층을 kaiming_uniform_으로 "
     "초기화하세요"},
    {"Before the training # % of the units behind layer # are # for every sample",
     "학습하기 전부터 유닛의 # %가 층 # 뒤에서 모든 표본에 대해 #입니다"},
    {"Begin with biases of # and weights by kaiming_uniform_",
     "편향은 #으로, 가중치는 kaiming_uniform_으로 초기화하세요"},
    {"Before the training all units behind layer # give the same, so they would learn the same",
     "학습하기 전에 층 # 뒤의 모든 유닛이 같은 값을 내므로 같은 것을 배우게 됩니다"},
    {"Begin with random weights, by kaiming_uniform_ or xavier_uniform_",
     "kaiming_uniform_이나 xavier_uniform_으로 가중치를 무작위로 초기화하세요"},
    {"Before the training the activations behind layer # deviate by #, the inputs by #",
     "학습하기 전에 층 # 뒤의 활성화 값은 표준편차가 #이고, 입력은 #입니다"},
    {"Begin with weights by kaiming_uniform_ (ReLU) or xavier_uniform_ (sigmoid, tanh), or use batch "
     "normalisation",
     "가중치를 kaiming_uniform_ (ReLU)이나 xavier_uniform_ (sigmoid, tanh)으로 초기화하거나 배치 정규화를 "
     "쓰세요"},

    // A summary.
    {"output", "출력"},
    {"parameters", "매개변수"},
    {"memory", "메모리"},
    {"name", "이름"},
    {"elements", "원소"},
    {"# parameters to train", "학습할 매개변수 #개"},
    {"training step on (#, #)", "학습 한 스텝, 입력 (#, #)"},
    {"training step on (#, #, #, #)", "학습 한 스텝, 입력 (#, #, #, #)"},
    {"# parameters to train, # with buffers", "학습할 매개변수 #개, 버퍼를 더하면 #개"},
    {"parameters and buffers", "매개변수와 버퍼"},
    {"gradients", "그래디언트"},
    {"optimizer state", "옵티마이저의 상태"},
    {"kept for the backward pass", "역전파를 위해 남긴 것"},

    // The page of a run.
    {"Learning curves", "학습 곡선"},
    {"Settings", "설정"},
    {"Environment", "환경"},
    {"Model", "모델"},
    {"Confusion matrix", "혼동 행렬"},
    {"Mistakes", "틀린 이미지"},
    {"All epochs", "모든 에폭"},
    {"validation accuracy", "검증 정확도"},
    {"seconds", "초"},
    {"library", "라이브러리"},
    {"device", "장치"},
    {"threads", "스레드"},
    {"CPU kernels", "CPU 커널"},
    {"matrix products", "행렬 곱"},
    {"Row: the class it is. Column: the class it was taken for. Last column: the share found.",
     "행: 실제 클래스. 열: 예측한 클래스. 마지막 열: 맞힌 비율."},
    {"Written by adjoint.", "adjoint가 작성했습니다."},
};

}  // namespace

std::span<const Phrase> library_phrases() { return library; }
