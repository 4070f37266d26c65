#include "base/file.hpp"
#include "base/replace.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <thread>

#include "base/error.hpp"
#include "base/hash.hpp"

namespace calotype {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::ThrowsMessage;

class FileTest : public testing::Test {
  protected:
    void SetUp() override {
        std::string name = (fs::temp_directory_path() / "calotype-file-XXXXXX").string();
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        dir_ = name;
    }
    void TearDown() override { fs::remove_all(dir_); }

    std::string text(const fs::path& path) const {
        const auto bytes = read_file(path);
        return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
    }
    int64_t entries() const { return std::distance(fs::directory_iterator(dir_), fs::directory_iterator()); }

    fs::path dir_;
};

TEST_F(FileTest, ALinkIsReadOnlyWhereItMayBe) {
    write_file(dir_ / "a", "photograph");
    fs::create_symlink("a", dir_ / "link");
    EXPECT_EQ(text(dir_ / "link"), "photograph");
    EXPECT_THAT([&] { read_file(dir_ / "link", 100, Links::refused); },
                ThrowsMessage<Error>(HasSubstr("FILE_UNREADABLE")));
}

TEST_F(FileTest, ALinkInTheWayOfANewFileIsNotWrittenThrough) {
    write_file(dir_ / "victim", "whole");
    fs::create_symlink("victim", dir_ / (".a.partial-" + std::to_string(::getpid())));
    replace_file(dir_ / "a", "new");
    EXPECT_EQ(text(dir_ / "victim"), "whole");
    EXPECT_EQ(text(dir_ / "a"), "new");
}

TEST_F(FileTest, WritesAndReads) {
    write_file(dir_ / "a", "photograph");
    EXPECT_EQ(text(dir_ / "a"), "photograph");
    write_file(dir_ / "a", "");
    EXPECT_EQ(text(dir_ / "a"), "");
}

TEST_F(FileTest, RefusesWhatIsNoFile) {
    EXPECT_THAT([&] { read_file(dir_ / "none"); }, ThrowsMessage<Error>(HasSubstr("FILE_MISSING: `")));
    EXPECT_THAT([&] { read_file(dir_); }, ThrowsMessage<Error>(HasSubstr("not a regular file")));
    ASSERT_EQ(::mkfifo((dir_ / "fifo").c_str(), 0600), 0);
    EXPECT_THAT([&] { read_file(dir_ / "fifo"); }, ThrowsMessage<Error>(HasSubstr("FILE_UNREADABLE")));
    write_file(dir_ / "long", "12345");
    EXPECT_THAT([&] { read_file(dir_ / "long", 4); }, ThrowsMessage<Error>(HasSubstr("has 5 bytes, at most 4")));
}

TEST_F(FileTest, ReportsWhatCannotBeWritten) {
    EXPECT_THAT([&] { write_file(dir_ / "no" / "such", "x"); }, ThrowsMessage<Error>(HasSubstr("FILE_UNWRITABLE")));
    EXPECT_THAT([&] { write_file("/dev/full", "x"); }, ThrowsMessage<Error>(HasSubstr("No space left on device")));
}

TEST_F(FileTest, StagedDirectoryTakesTheTargetsPlaceWhole) {
    for (const std::string content : {"old", "new"}) {
        StagedDirectory staged(dir_ / "snapshot");
        write_file(staged.path() / content, content);
        EXPECT_FALSE(fs::exists(dir_ / "snapshot" / content));
        staged.commit();
        EXPECT_EQ(text(dir_ / "snapshot" / content), content);
    }
    EXPECT_FALSE(fs::exists(dir_ / "snapshot" / "old"));
    EXPECT_EQ(entries(), 1);
}

int cannot_exchange(const fs::path&, const fs::path&) {
    errno = EINVAL;  // what a file system without RENAME_EXCHANGE answers
    return -1;
}

TEST_F(FileTest, WhereDirectoriesCannotBeExchangedTheOldOneStepsAside) {
    for (const std::string content : {"first", "second", "third"}) {
        StagedDirectory staged(dir_ / "snapshot");
        write_file(staged.path() / content, content);
        staged.commit(cannot_exchange);
        EXPECT_EQ(text(dir_ / "snapshot" / content), content);
        EXPECT_EQ(std::distance(fs::directory_iterator(dir_ / "snapshot"), fs::directory_iterator()), 1);
    }
    EXPECT_EQ(entries(), 1);
}

TEST_F(FileTest, ADirectoryWhoseReplacementWasKilledComesBack) {
    // The largest process id of Linux is below 2^22: 4194305 cannot live.
    const auto killed_between_the_steps = [&] {
        fs::create_directories(dir_ / ".snapshot.replaced-4194305");
        write_file(dir_ / ".snapshot.replaced-4194305" / "old", "x");
    };
    killed_between_the_steps();
    recover_directory(dir_ / "snapshot/");
    EXPECT_TRUE(fs::exists(dir_ / "snapshot" / "old"));
    killed_between_the_steps();  // the new one already in its place
    recover_directory(dir_ / "snapshot");
    EXPECT_TRUE(fs::exists(dir_ / ".snapshot.replaced-4194305"));
    {
        StagedDirectory staged(dir_ / "snapshot");  // tidies up
    }
    EXPECT_EQ(entries(), 1);
    fs::rename(dir_ / "snapshot", dir_ / ".snapshot.replaced-1");  // of a process that lives
    recover_directory(dir_ / "snapshot");
    EXPECT_FALSE(fs::exists(dir_ / "snapshot"));
}

TEST_F(FileTest, StagedDirectoryLeavesNothingWithoutCommit) {
    write_file(dir_ / "file", "x");
    EXPECT_THAT([&] { StagedDirectory staged(dir_ / "file"); }, ThrowsMessage<Error>(HasSubstr("FILE_UNWRITABLE")));
    {
        StagedDirectory staged(dir_ / "snapshot/");  // a trailing slash names the same directory
        write_file(staged.path() / "half", "x");
    }
    EXPECT_EQ(entries(), 1);
}

/// In a process of its own: writes to `target` over and over until its staged files are removed for good, at any moment.
template <typename Write>
void write_until_interrupted(int64_t microseconds, const Write& write) {
    const pid_t child = ::fork();
    if (child == 0) {
        std::thread([&] {
            while (true) try {
                    write();
                } catch (const Error&) {  // a file into a directory that has just been removed
                }
        }).detach();
        ::usleep(static_cast<useconds_t>(microseconds));
        remove_staged();
        ::_exit(0);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
}

TEST_F(FileTest, AProcessThatIsInterruptedLeavesNothingStaged) {
    for (int64_t round = 0; round < 400; ++round) {
        write_until_interrupted(50 + round, [&] { replace_file(dir_ / "a", "new"); });
        write_until_interrupted(50 + round, [&] {
            StagedDirectory staged(dir_ / "d");
            for (const char* name : {"1", "2", "3"}) open_for_writing(staged.path() / name, Existing::refused);
        });
        for (const auto& entry : fs::directory_iterator(dir_)) ASSERT_EQ(entry.path().filename(), "a");
    }
}

TEST_F(FileTest, StagedDirectoryRemovesOnlyWhatADeadProcessLeft) {
    // The largest process id of Linux is below 2^22: 4194305 cannot live.
    fs::create_directories(dir_ / ".snapshot.partial-4194305");
    fs::create_directories(dir_ / ".snapshot.partial-1");
    fs::create_directories(dir_ / ".snapshot.partial-x");
    {
        StagedDirectory staged(dir_ / "snapshot");
    }
    EXPECT_FALSE(fs::exists(dir_ / ".snapshot.partial-4194305"));
    EXPECT_TRUE(fs::exists(dir_ / ".snapshot.partial-1"));
    EXPECT_TRUE(fs::exists(dir_ / ".snapshot.partial-x"));
}

TEST_F(FileTest, ADirectoryThatHoldsAnythingElseIsNotReplaced) {
    const auto check = [&](const fs::path& path) {
        check_replaceable(
            path, [](const fs::directory_entry& entry) { return entry.path().extension() == ".ours"; }, "file of ours",
            "give another");
    };
    check(dir_ / "none");
    write_file(dir_ / "a.ours", "x");
    check(dir_);
    write_file(dir_ / "b.txt", "x");
    EXPECT_THAT([&] { check(dir_); },
                ThrowsMessage<Error>(HasSubstr("it holds `b.txt`, which is no file of ours and would be lost")));
    EXPECT_THAT([&] { check(dir_ / "a.ours"); }, ThrowsMessage<Error>(HasSubstr("it is there and is no directory")));
}

TEST(Hash, IsSha256) {
    constexpr const char* kAbc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";  // FIPS 180-4
    EXPECT_EQ(sha256("abc"), kAbc);
    Sha256 pieces;
    pieces.update("a");
    pieces.update("bc");
    EXPECT_EQ(pieces.hex(), kAbc);
    EXPECT_EQ(pieces.hex(), sha256(""));  // it starts anew
}

}  // namespace
}  // namespace calotype
