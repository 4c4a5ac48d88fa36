// Mistakes of data and of files, in a folder of their own.
#include <fstream>

#include "mistakes.h"

namespace adjoint {
namespace {

// The file of this name with this content.
std::string written(const std::string& name, const std::string& content) {
    std::ofstream(name, std::ios::binary) << content;
    return name;
}

std::string saved(const nn::Module& model) {
    model.save("model.safetensors");
    return "model.safetensors";
}

std::string trained_checkpoint() {
    manual_seed(1);
    const nn::Linear model(4, 2);
    optim::SGD optimizer(model.parameters(), {.lr = 0.1});
    train::fit(model, cross_entropy, optimizer,
               data::Dataset{.inputs = rand({8, 4}), .targets = zeros({8}, {.dtype = i64})},
               {.verbose = false, .callbacks = {train::checkpoint({.path = "run.ckpt"})}});
    return "run.ckpt";
}

data::CsvTable cities(const std::string& name, const std::string& rows) {
    return data::read_csv_table(written(name, "city,size\n" + rows));
}

}  // namespace

Topic mistakes_of_data() {
    using data::Vocabulary, data::TablePreparation, data::read_csv;
    return {
        "Data",
        {
            ADJOINT_MISTAKE("text among numbers", read_csv(written("a.csv", "age,city\n20,Rome\n"))),
            ADJOINT_MISTAKE("missing values by name", read_csv(written("b.csv", "age,size\n20,NA\n"))),
            ADJOINT_MISTAKE("thousands", read_csv(written("c.csv", "size\n\"1,234\"\n"))),
            ADJOINT_MISTAKE("decimal commas", read_csv(written("d.csv", "a;b\n1,5;2\n"), {.delimiter = ';'})),
            ADJOINT_MISTAKE("another delimiter", read_csv(written("g.csv", "a;b\n1;2\n"))),
            ADJOINT_MISTAKE("rows of different lengths", read_csv(written("e.csv", "1,2,3\n4,5\n"))),
            ADJOINT_MISTAKE("a column that is not there", cities("f.csv", "Rome,2\n").column("town")),
            ADJOINT_MISTAKE("a category that the training data had not",
                            const auto prepared = TablePreparation::fit(
                                cities("train.csv", "Rome,2\nOslo,1\n"), {.categories = {"city"}});
                            prepared.transform(cities("new.csv", "Oslo,1\nPisa,3\n"))),
            ADJOINT_MISTAKE("missing numbers not filled",
                            data::Standardizer::fit(tensor({{1, 2}, {3, NAN}}))),
            ADJOINT_MISTAKE("a character that the text had not", Vocabulary::fit("hello").encode("help")),
            ADJOINT_MISTAKE("texts of several lengths in a batch",
                            Vocabulary::fit("hello").encode(std::vector<std::string>{"hello", "hell"})),
            ADJOINT_MISTAKE("a text shorter than a window",
                            data::SequenceWindows(Vocabulary::fit("hello").encode("hello"), {.length = 64})),
            ADJOINT_MISTAKE("scores drawn from as probabilities", multinomial(tensor({0.5, -1.5}), 1)),
            ADJOINT_MISTAKE("more folds than samples", data::k_fold(3, 5)),
        },
    };
}

Topic mistakes_of_files() {
    using nn::Linear;
    return {
        "Files",
        {
            ADJOINT_MISTAKE("a file that is not there", Linear(4, 2).load("modle.safetensors")),
            ADJOINT_MISTAKE("a folder that is not there", Linear(4, 2).save("models/model.safetensors")),
            ADJOINT_MISTAKE("a file of another kind",
                            Linear(4, 2).load(written("weights.safetensors", "{\"a\": 1}"))),
            ADJOINT_MISTAKE("weights of another model",
                            nn::Sequential(Linear(4, 2)).load(saved(Linear(4, 2)))),
            ADJOINT_MISTAKE("weights of another size", Linear(4, 3).load(saved(Linear(4, 2)))),
            ADJOINT_MISTAKE("weights of another type", const Linear model(4, 2); model.to(f64);
                            model.load(saved(Linear(4, 2)))),
            ADJOINT_MISTAKE("a checkpoint of fit given to a model", Linear(4, 2).load(trained_checkpoint())),
            ADJOINT_MISTAKE("weights given to fit as a checkpoint", const Linear model(4, 2);
                            optim::SGD optimizer(model.parameters(), {.lr = 0.1}); train::fit(
                                model, cross_entropy, optimizer,
                                data::Dataset{.inputs = rand({8, 4}), .targets = zeros({8}, {.dtype = i64})},
                                {.verbose = false, .resume = saved(model)})),
            ADJOINT_MISTAKE("a checkpoint of another model", const Linear model(4, 3);
                            optim::SGD optimizer(model.parameters(), {.lr = 0.1}); train::fit(
                                model, cross_entropy, optimizer,
                                data::Dataset{.inputs = rand({8, 4}), .targets = zeros({8}, {.dtype = i64})},
                                {.verbose = false, .resume = trained_checkpoint()})),
            ADJOINT_MISTAKE("a part of a file that it has not",
                            data::under(data::load_safetensors(saved(Linear(4, 2))).tensors, "model.")),
            ADJOINT_MISTAKE("images that were not fetched", data::load_mnist("images")),
            ADJOINT_MISTAKE("an array of another program",
                            data::read_npy(written("array.npy", "1 2 3 4 5 6\n"))),
        },
    };
}

}  // namespace adjoint
