// All that is read, in two languages.
const WORDS = {
  en: {
    playground: "playground", training: "Training", reset: "Start again", play: "Train", pause: "Pause", step: "One epoch",
    epoch: "Epoch", program: "C++", language: "한국어로", other_language: "한국어", theme: "Light or dark",
    data: "Data", fresh: "Draw again", network: "Network", layers: "Hidden layers", fewer_layers: "Remove a hidden layer",
    more_layers: "Add a hidden layer", hidden: (count) => `${count} hidden layer${count === 1 ? "" : "s"}`, output: "Output",
    test_loss: "Test loss", train_loss: "Training loss", show_test: "Show test data", discretise: "Two colours only",
    loss_curves: "Loss", gradients: "Gradient norm by layer", features: "Features",
    hint: "Hover over a neuron to see its map large. Click a neuron or a line to change its numbers.",
    about: "All is computed by the library adjoint, compiled to WebAssembly, in this page.",
    keys: "<kbd>Space</kbd> train · <kbd>S</kbd> one epoch · <kbd>R</kbd> start again · <kbd>E</kbd> C++",
    network_picture: "The network: neurons with their maps, lines as thick as their weights",
    output_picture: "What the network says of each place, with the points",
    loss_picture: "Loss by epoch", gradient_picture: "Norm of the weights' gradient of each layer by epoch",
    program_title: "The same in C++", copy: "Copy", copied: "Copied", save: "Save", close: "Close", epochs: "Epochs",
    program_about: "This program draws the same points and weights and prints the same losses. Link it with adjoint.",
    rate: "Learning rate", activation: "Activation", optimizer: "Optimizer", init: "Initialisation",
    penalty: "Regularisation", penalty_rate: "Reg. rate", problem: "Problem", dropout: "Dropout", batch_norm: "Batch norm",
    noise: "Noise", train: "Training share", batch: "Batch size", seed: "Seed", classification: "Classification",
    regression: "Regression", on: "on", off: "off", none: "none",
    circle: "Circle", xor: "XOR", gauss: "Gauss", spiral: "Spiral", plane: "Plane", hills: "Gauss hills",
    default: "uniform", xavier: "Xavier", he: "He", orthogonal: "orthogonal", normal: "normal, 1", small: "normal, 0.01", zeros: "zeros",
    tanh: "tanh", relu: "ReLU", sigmoid: "sigmoid", linear: "linear", leaky_relu: "leaky ReLU", elu: "ELU", gelu: "GELU", silu: "SiLU", softsign: "softsign",
    sgd: "SGD", momentum: "momentum", nesterov: "Nesterov", adagrad: "Adagrad", rmsprop: "RMSprop", adam: "Adam", adamw: "AdamW", nadam: "NAdam", lion: "Lion",
    l1: "L1", l2: "L2", bias: "Bias", weight: "Weight", neuron: (layer, unit) => `Layer ${layer}, neuron ${unit}`,
    layer: (layer) => `Layer ${layer}`, output_node: "Output", more_units: (layer) => `Add a neuron to layer ${layer}`,
    fewer_units: (layer) => `Remove a neuron from layer ${layer}`, feature: (name) => `Feature ${name}`, unit: (unit) => `Neuron ${unit}`,
    paused: (epoch, train, test) => `Paused at epoch ${epoch}. Training loss ${train}, test loss ${test}.`,
    diverged: "The training has diverged: the loss is no number. A smaller learning rate helps.",
    unusable: "WebAssembly could not be started here",
  },
  ko: {
    playground: "플레이그라운드", training: "학습", reset: "처음부터", play: "학습 시작", pause: "일시 정지", step: "한 에폭",
    epoch: "에폭", program: "C++", language: "In English", other_language: "English", theme: "밝게 또는 어둡게",
    data: "데이터", fresh: "다시 뽑기", network: "신경망", layers: "은닉층", fewer_layers: "은닉층 하나 빼기",
    more_layers: "은닉층 하나 더하기", hidden: (count) => `은닉층 ${count}개`, output: "출력",
    test_loss: "시험 손실", train_loss: "학습 손실", show_test: "시험 데이터 표시", discretise: "두 색으로만 표시",
    loss_curves: "손실", gradients: "층별 기울기 크기", features: "특성",
    hint: "뉴런에 포인터를 올리면 그 지도가 크게 보입니다. 뉴런이나 선을 누르면 값을 바꿀 수 있습니다.",
    about: "모든 계산은 WebAssembly로 컴파일한 adjoint 라이브러리가 이 페이지 안에서 합니다.",
    keys: "<kbd>Space</kbd> 학습 · <kbd>S</kbd> 한 에폭 · <kbd>R</kbd> 처음부터 · <kbd>E</kbd> C++",
    network_picture: "신경망: 뉴런마다 지도가 있고, 선의 굵기는 가중치의 크기",
    output_picture: "평면의 각 위치에 대한 신경망의 출력과 데이터 점",
    loss_picture: "에폭별 손실", gradient_picture: "에폭별, 층별 가중치 기울기의 크기",
    program_title: "같은 일을 하는 C++ 프로그램", copy: "복사", copied: "복사됨", save: "저장", close: "닫기", epochs: "에폭 수",
    program_about: "이 프로그램은 같은 점과 같은 가중치에서 시작하여 같은 손실을 출력합니다. adjoint와 링크하면 됩니다.",
    rate: "학습률", activation: "활성화 함수", optimizer: "옵티마이저", init: "초기화",
    penalty: "규제", penalty_rate: "규제율", problem: "문제", dropout: "드롭아웃", batch_norm: "배치 정규화",
    noise: "잡음", train: "학습 데이터 비율", batch: "배치 크기", seed: "시드", classification: "분류",
    regression: "회귀", on: "사용", off: "사용 안 함", none: "없음",
    circle: "원", xor: "XOR", gauss: "가우스", spiral: "나선", plane: "평면", hills: "가우스 언덕",
    default: "균등분포", xavier: "Xavier", he: "He", orthogonal: "직교", normal: "정규분포 1", small: "정규분포 0.01", zeros: "0",
    linear: "항등", sigmoid: "시그모이드", momentum: "모멘텀",
    bias: "편향", weight: "가중치", neuron: (layer, unit) => `${layer}층 뉴런 ${unit}`,
    layer: (layer) => `${layer}층`, output_node: "출력", more_units: (layer) => `${layer}층에 뉴런 더하기`,
    fewer_units: (layer) => `${layer}층에서 뉴런 빼기`, feature: (name) => `특성 ${name}`, unit: (unit) => `뉴런 ${unit}`,
    paused: (epoch, train, test) => `${epoch} 에폭에서 멈췄습니다. 학습 손실 ${train}, 시험 손실 ${test}.`,
    diverged: "학습이 발산했습니다. 손실이 수가 아닙니다. 학습률을 낮추면 나아집니다.",
    unusable: "이 브라우저에서는 WebAssembly를 시작할 수 없습니다",
  },
};

let language = "en";

/** A word, or what a function makes of its arguments. */
function word(name, ...rest) {
  const entry = WORDS[language][name] ?? WORDS.en[name] ?? name;
  return typeof entry === "function" ? entry(...rest) : entry;
}

/** Puts the words of the language into the page. */
function speak() {
  document.documentElement.lang = language;
  for (const element of document.querySelectorAll("[data-word]")) element.textContent = word(element.dataset.word);
  for (const element of document.querySelectorAll("[data-html]")) element.innerHTML = word(element.dataset.html);
  for (const element of document.querySelectorAll("[data-label]")) element.setAttribute("aria-label", word(element.dataset.label));
  for (const element of document.querySelectorAll("[data-title]")) element.title = word(element.dataset.title);
}
