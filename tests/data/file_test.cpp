// Reading files whole, gzip that is damaged in every way, and saves that fail half-way.
#include <adjoint/data/file.h>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <random>

#include "test_files.h"

namespace adjoint::data {
namespace {

std::string text_of(const std::vector<std::byte>& content) {
    return {reinterpret_cast<const char*>(content.data()), content.size()};
}

std::string noise(std::size_t size) {
    std::mt19937 generator(7);
    std::string out(size, '\0');
    for (char& c : out) c = static_cast<char>(generator() % 61);
    return out;
}

TEST(ReadFile, GivesTheContent) {
    const TemporaryFolder folder;
    EXPECT_EQ(text_of(read_file(folder.file("a", bytes("x\0y\n")))), bytes("x\0y\n"));
    EXPECT_TRUE(read_file(folder.file("empty", "")).empty());
}

TEST(ReadFile, SaysWhyItCannot) {
    const TemporaryFolder folder;
    for (const auto read : {+[](const std::string& path) { read_file(path); },
                            +[](const std::string& path) { read_maybe_gzip(path); }}) {
        expect_error([&] { read(folder / "none"); }, {folder / "none", "no such file"});
        expect_error([&] { read(folder.path()); }, {folder.path(), "is a directory"});
        expect_error([&] { read(folder.file("a", "") + "/b"); }, {"Not a directory"});
        expect_error([&] { read("/dev/null"); }, {"not a regular file"});
        const std::string closed = folder.file("closed", "x");
        ::chmod(closed.c_str(), 0);
        if (::access(closed.c_str(), R_OK) != 0)
            expect_error([&] { read(closed); }, {closed, "Permission denied"});
        ::chmod(closed.c_str(), 0600);
        const std::string pipe = folder / "pipe";
        ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
        expect_error([&] { read(pipe); }, {"not a regular file"});
        ::unlink(pipe.c_str());
    }
}

TEST(Gzip, RoundTrip) {
    const TemporaryFolder folder;
    for (const std::size_t size : {0, 1, 1000, 300'000, 3'000'000}) {
        const std::string content = noise(size);
        EXPECT_EQ(text_of(read_maybe_gzip(folder.file("a.gz", zipped(content)))), content) << size;
        EXPECT_EQ(text_of(read_maybe_gzip(folder.file("a", content))), content) << size;
    }
    const std::string same_bytes(5'000'000, 'a');
    EXPECT_EQ(text_of(read_maybe_gzip(folder.file("a.gz", zipped(same_bytes)))), same_bytes);
    EXPECT_EQ(text_of(read_maybe_gzip(folder.file("two.gz", zipped("one ") + zipped("two")))), "one two");
}

TEST(Gzip, EveryTruncationIsAnError) {
    const TemporaryFolder folder;
    const std::string archive = zipped(noise(400));
    for (std::size_t length = 2; length < archive.size(); ++length)
        expect_error([&] { read_maybe_gzip(folder.file("cut.gz", archive.substr(0, length))); },
                     {folder / "cut.gz", "truncated gzip data"});
}

TEST(Gzip, EveryFlippedByteOfTheContentIsAnError) {
    const TemporaryFolder folder;
    const std::string archive = zipped(noise(400));
    constexpr std::size_t header = 10;
    for (std::size_t i = header; i < archive.size(); ++i) {
        std::string damaged = archive;
        damaged[i] = static_cast<char>(~damaged[i]);
        EXPECT_THROW(read_maybe_gzip(folder.file("bad.gz", damaged)), IoError) << i;
    }
    std::string wrong_sum = archive;
    wrong_sum[archive.size() - 8] ^= 1;
    expect_error([&] { read_maybe_gzip(folder.file("bad.gz", wrong_sum)); },
                 {"corrupt gzip data", "incorrect data check"});
}

TEST(Gzip, SomethingAfterwardsIsAnError) {
    const TemporaryFolder folder;
    expect_error([&] { read_maybe_gzip(folder.file("a.gz", zipped("x") + "more")); },
                 {"something else follows"});
    expect_error([&] { read_maybe_gzip(folder.file("a.gz", zipped("x") + "\x1f\x8c")); },
                 {"corrupt gzip data"});
}

TEST(Gzip, BombsStopAtTheLimit) {
    const TemporaryFolder folder;
    // NOLINTNEXTLINE(bugprone-string-constructor): large on purpose
    const std::string bomb = folder.file("bomb.gz", zipped(std::string(50'000'000, '\0')));
    expect_error([&] { read_maybe_gzip(folder.file("b", "12345"), 4); }, {"more than the 4 bytes"});
    expect_error([&] { read_maybe_gzip(bomb, 1000); }, {bomb, "more than the 1000 bytes expected"});
    EXPECT_EQ(read_maybe_gzip(folder.file("b.gz", zipped("12345")), 5).size(), 5U);
    EXPECT_EQ(read_maybe_gzip(folder.file("b", "12345"), 5).size(), 5U);
    EXPECT_EQ(read_maybe_gzip(folder.file("b", ""), 0).size(), 0U);
}

TEST(InputStream, RefusesMoreThanTheFileCanHold) {
    const TemporaryFolder folder;
    InputStream plain(folder.file("a", "12345678"));
    std::byte two[2];
    plain.read(two, "the start");
    EXPECT_NO_THROW(plain.expect(6, "the rest"));
    expect_error([&] { plain.expect(7, "the rest"); }, {"the rest needs 7 bytes", "has 6 left at offset 2"});
    expect_error([&] { plain.expect_end(); }, {"end after 2 bytes, the file has 8"});
    InputStream archive(folder.file("a.gz", zipped(std::string(1'000'000, 'a'))));
    EXPECT_NO_THROW(archive.expect(1'000'000, "the rest"));
    expect_error([&] { archive.expect(std::uint64_t{1} << 40, "the rest"); }, {"cannot hold them"});
    expect_error([&] { archive.expect_end(); }, {"goes on"});
}

TEST(ByteReader, ReadsBothByteOrders) {
    const std::string text =
        bytes("\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13");
    ByteReader reader(std::as_bytes(std::span(text)), "f", 100);
    EXPECT_EQ(reader.read_u8(), 1);
    EXPECT_EQ(reader.read_u16_le(), 0x0302);
    EXPECT_EQ(reader.read_u32_be(), 0x04050607U);
    EXPECT_EQ(reader.read_u32_le(), 0x0b0a0908U);
    EXPECT_EQ(reader.read_u64_le(), 0x131211100f0e0d0cU);
    EXPECT_EQ(reader.remaining(), 0U);
    EXPECT_EQ(reader.take(0).size(), 0U);
    expect_error([&] { reader.read_u8(); }, {"f: 1 bytes wanted at offset 119, only 0"});
    ByteReader again(std::as_bytes(std::span(text)), "f");
    expect_error([&] { again.take(~std::uint64_t{0}); }, {"at offset 0, only 19"});
    EXPECT_EQ(again.remaining(), 19U);
}

TEST(Crc32, OfTheUsualExample) {
    const std::string_view digits = "123456789";
    EXPECT_EQ(crc32(std::as_bytes(std::span(digits))), 0xcbf43926U);
}

void write_text(const std::string& path, std::string_view text) {
    atomic_write(path, [&](Writer& writer) { writer.write(text); });
}

TEST(AtomicWrite, WritesAndReplaces) {
    const TemporaryFolder folder;
    const std::string path = folder / "a", large = noise(1'000'000);
    write_text(path, "one");
    EXPECT_EQ(content_of(path), "one");
    atomic_write(path, [&](Writer& writer) {
        writer.write("x");
        writer.write(large);
        writer.write("y");
        for (int i = 0; i < 300'000; ++i) writer.write("z");
    });
    EXPECT_EQ(content_of(path), "x" + large + "y" + std::string(300'000, 'z'));
    write_text(path, "");
    EXPECT_EQ(content_of(path), "");
    EXPECT_EQ(folder.entries().size(), 1U);
}

TEST(AtomicWrite, OldFileStaysWhenTheCallbackThrows) {
    const TemporaryFolder folder;
    const std::string path = folder.file("a", "old");
    EXPECT_THROW(atomic_write(path,
                              [](Writer& writer) {
                                  writer.write(noise(1'000'000));
                                  throw std::runtime_error("no");
                              }),
                 std::runtime_error);
    EXPECT_EQ(content_of(path), "old");
    EXPECT_EQ(folder.entries().size(), 1U);
}

TEST(AtomicWrite, FullDiskIsReportedAndTheOldFileStays) {
    expect_error([&] { write_text("/dev/full", "x"); }, {"/dev/full", "No space left"});

    // A limit on the size of files fails a write half-way, as a full disk does; only for a child process.
    const TemporaryFolder folder;
    const std::string path = folder.file("a", "old");
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        std::signal(SIGXFSZ, SIG_IGN);
        const rlimit limit{100'000, 100'000};
        if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) ::_exit(3);
        try {
            write_text(path, noise(200'000));
        } catch (const IoError& error) {
            ::_exit(std::string(error.what()).find("File too large") == std::string::npos ? 2 : 0);
        }
        ::_exit(1);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 0);
    EXPECT_EQ(content_of(path), "old");
    EXPECT_EQ(folder.entries().size(), 1U);
}

TEST(AtomicWrite, SaysWhereItCannotWrite) {
    const TemporaryFolder folder;
    expect_error([&] { write_text(folder / "none/a", "x"); }, {folder / "none/a", "there is no folder"});
    expect_error([&] { write_text(folder.path(), "x"); }, {"it is a directory"});
    expect_error([&] { write_text(folder.path() + "/", "x"); }, {"not a file name"});
    expect_error([&] { write_text("", "x"); }, {"not a file name"});
    expect_error([&] { write_text(folder.file("a", "x") + "/b", "x"); }, {"Not a directory"});
    EXPECT_NO_THROW(write_text("/dev/null", "x"));
    if (::geteuid() == 0) return;  // the administrator may write everywhere
    const std::string locked = folder.file("locked", "old");
    ::chmod(locked.c_str(), 0400);
    expect_error([&] { write_text(locked, "x"); }, {locked, "Permission denied"});
    ::chmod(folder.path().c_str(), 0500);
    expect_error([&] { write_text(folder / "new", "x"); }, {"Permission denied"});
    ::chmod(folder.path().c_str(), 0700);
}

TEST(AtomicWrite, CanBeTriedBeforehand) {
    const TemporaryFolder folder;
    const std::string path = folder.file("a", "old");
    check_writable(path);
    check_writable(folder / "b");
    check_writable("/dev/null");
    EXPECT_EQ(content_of(path), "old");
    EXPECT_EQ(folder.entries(), std::vector<std::string>{"a"});
    expect_error([&] { check_writable("/no/such/folder/a"); },
                 {"/no/such/folder/a", "there is no folder /no/such/folder"});
    expect_error([&] { check_writable(folder.path()); }, {"directory"});
    expect_error([&] { check_writable(""); }, {"not a file name"});
}

TEST(AtomicWrite, WritesWhereALinkLeadsThatLeadsNowhereYet) {
    TemporaryFolder folder;
    std::filesystem::create_directory(folder / "inner");
    ASSERT_EQ(::symlink("inner/middle", (folder / "link").c_str()), 0);
    ASSERT_EQ(::symlink("target", (folder / "inner/middle").c_str()), 0);
    write_text(folder / "link", "new");
    EXPECT_TRUE(std::filesystem::is_symlink(folder / "link"));
    EXPECT_TRUE(std::filesystem::is_symlink(folder / "inner/middle"));
    EXPECT_EQ(text_of(read_file(folder / "inner/target")), "new");
    ASSERT_EQ(::symlink("nowhere/file", (folder / "lost").c_str()), 0);
    expect_error([&] { write_text(folder / "lost", "x"); }, {"nowhere"});
    ASSERT_EQ(::symlink("round", (folder / "round").c_str()), 0);
    expect_error([&] { write_text(folder / "round", "x"); }, {"round", "cannot be written"});
    EXPECT_TRUE(std::filesystem::is_symlink(folder / "lost"));
}

TEST(AtomicWrite, KeepsModeAndLinks) {
    const TemporaryFolder folder;
    const std::string path = folder.file("a", "old"), link = folder / "link";
    ::chmod(path.c_str(), 0640);
    ASSERT_EQ(::symlink("a", link.c_str()), 0);
    write_text(link, "new");
    EXPECT_EQ(content_of(path), "new");
    EXPECT_TRUE(std::filesystem::is_symlink(link));
    struct stat info {};
    ASSERT_EQ(::stat(path.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777, 0640U);
    const mode_t mask = ::umask(027);
    write_text(folder / "fresh", "x");
    ::umask(mask);
    ASSERT_EQ(::stat((folder / "fresh").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777, 0640U);
}

TEST(AtomicWrite, RemovesWhatKilledProcessesLeft) {
    const TemporaryFolder folder;
    folder.file(".a.adjoint-123-0.tmp", "left");
    folder.file(".b.adjoint-123-0.tmp", "of another file");
    const std::string used = folder.file(".a.adjoint-124-0.tmp", "in use");
    const int descriptor = ::open(used.c_str(), O_RDONLY);
    ASSERT_EQ(::flock(descriptor, LOCK_EX), 0);
    write_text(folder / "a", "x");
    ::close(descriptor);
    auto entries = folder.entries();
    std::sort(entries.begin(), entries.end());
    EXPECT_EQ(entries, (std::vector<std::string>{".a.adjoint-124-0.tmp", ".b.adjoint-123-0.tmp", "a"}));
    write_text(folder / "a", "x");
    EXPECT_FALSE(std::filesystem::exists(used));
}

TEST(AtomicWrite, TwoWritersNeverMix) {
    const TemporaryFolder folder;
    const std::string path = folder / "a";
    const auto save = [&](char letter) {
        for (int i = 0; i < 50; ++i) write_text(path, std::string(100'000, letter));
    };
    std::thread first(save, 'a'), second(save, 'b');
    first.join();
    second.join();
    const std::string content = content_of(path);
    EXPECT_EQ(content, std::string(100'000, content.at(0)));
    EXPECT_EQ(folder.entries().size(), 1U);
}

TEST(AtomicWrite, KilledAtAnyMomentLeavesOldOrNew) {
    const TemporaryFolder folder;
    const std::string path = folder / "a";
    write_text(path, std::string(500'000, 'a'));
    for (int round = 0; round < 25; ++round) {
        char letter = 'a';
        run_until_killed(
            [&] {
                write_text(path, std::string(500'000, letter));
                letter = letter == 'z' ? 'a' : static_cast<char>(letter + 1);
            },
            std::chrono::microseconds(500 + 370 * round));
        const std::string content = content_of(path);
        ASSERT_EQ(content.size(), 500'000U);
        ASSERT_EQ(content, std::string(500'000, content[0]));
    }
    write_text(path, "end");
    EXPECT_EQ(folder.entries().size(), 1U);
}

}  // namespace
}  // namespace adjoint::data
