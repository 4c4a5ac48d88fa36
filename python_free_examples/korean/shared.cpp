// What several programs say: the command line, the words of charts, and what the library says in their place.
#include "phrases.h"

namespace {

constexpr Phrase shared[] = {
    // The command line.
    {"a number", "수"},
    {"a whole number from 0 to 2^64 - 1", "0부터 2^64 - 1까지의 정수"},
    {"a whole number from -2^31 to 2^31 - 1", "-2^31부터 2^31 - 1까지의 정수"},
    {"a whole number", "정수"},
    {"--%s %s, expected %s", "--%s %s: 필요한 값은 %s입니다"},
    {"\nUsage:\n", "\n사용법:\n"},
    {"(default: ", "(기본값: "},
    {"[OPTION...]", "[옵션...]"},
    {"language of what is said, en or ko; else that of $LANG",
     "출력하는 언어, en 또는 ko; 없으면 $LANG의 언어"},
    {"print this", "이 도움말을 출력"},
    {"%s\nData:  %s\nTime:  %s\nFiles: %s\n", "%s\n데이터: %s\n시간:   %s\n파일:   %s\n"},
    {"what is \"%s\"? see --help", "\"%s\"은(는) 무엇입니까? --help를 참고하세요"},
    {"%s is missing: %s %s; see --help", "%s이(가) 없습니다: %s %s; --help를 참고하세요"},
    {"--lang %s, expected en or ko", "--lang %s: 필요한 값은 en 또는 ko입니다"},
    {"error: %s\n", "오류: %s\n"},
    {"none", "없음"},
    {"less than a second", "1초 미만"},
    {"a second", "약 1초"},
    {"some seconds", "몇 초"},
    {"less than a minute", "1분 미만"},
    {"a minute", "약 1분"},
    {"some minutes", "몇 분"},

    // The options of the lectures.
    {"picture: %s\n", "그림: %s\n"},
    {"data: %s\n", "데이터: %s\n"},
    {"%s cannot be read, or is empty; say --text FILE",
     "%s을(를) 읽을 수 없거나 비어 있습니다; --text FILE로 알려 주세요"},
    {"%s was not found in %s; scripts/fetch_data %s fetches it, or say --data FOLDER",
     "%s을(를) %s에서 찾지 못했습니다; scripts/fetch_data %s로 받거나 --data FOLDER로 알려 주세요"},
    {"quick: a short run, too short for the figures of a full one\n",
     "quick: 짧은 실행이라 전체 실행의 수치에는 못 미칩니다\n"},
    {"a short run, too short for the figures of a full one", "짧은 실행; 전체 실행의 수치에는 못 미침"},
    {"folder where files are written", "파일을 쓸 폴더"},
    {"of the random numbers", "난수의 시드"},
    {"the settings to try, as CSV; else those of the slides", "시험할 설정, CSV; 없으면 슬라이드의 설정"},
    {"what to learn from; else adjoint's LICENSE", "학습할 글; 없으면 adjoint의 LICENSE"},
    {"a table to use the saved model on, instead of training", "학습하는 대신 저장된 모델을 적용할 표"},
    {"folder where the data lies; else beside $ADJOINT_DATA, or in data/",
     "데이터 폴더; 없으면 $ADJOINT_DATA의 옆, 또는 data/"},
    {"a text", "글"},
    {"folder of the images; else $ADJOINT_DATA, data/mnist, Fashion-MNIST",
     "이미지 폴더; 없으면 $ADJOINT_DATA, data/mnist, Fashion-MNIST"},
    {"which images it must be: auto, mnist or fashion", "쓸 이미지: auto, mnist 또는 fashion"},
    {"--dataset %s, expected auto, mnist or fashion",
     "--dataset %s: 필요한 값은 auto, mnist 또는 fashion입니다"},
    {"MNIST, else Fashion-MNIST: four IDX files, or two of CSV",
     "MNIST, 없으면 Fashion-MNIST: IDX 파일 네 개 또는 CSV 파일 두 개"},

    {"autoencoder, epoch %2d: cross entropy per pixel %.4f\n",
     "오토인코더, 에폭 %2d: 픽셀당 교차 엔트로피 %.4f\n"},

    // Charts.
    {"epoch", "에폭"},
    {"step", "스텝"},
    {"loss", "손실"},
    {"accuracy", "정확도"},
    {"test accuracy", "테스트 정확도"},
    {"samples", "표본"},
    {"sigmoid", "시그모이드"},
    {"dropout", "드롭아웃"},
};

}  // namespace

std::span<const Phrase> shared_phrases() { return shared; }
