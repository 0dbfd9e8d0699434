// What happens when something goes wrong: killed writers, full disks, locks, wrong files.
#include <gmock/gmock.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "backends/sqlite/schema.h"
#include "backends/sqlite/writer_process.h"
#include "tests/backends/sqlite_fixture.h"

namespace twinbed::backends {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class SqliteFailure : public SqliteTest {
 protected:
  /// Forks a writer of three finished runs and one more, waits until it is in the midst of that,
  /// and leaves it running.
  pid_t start_writer() {
    int ready[2];
    EXPECT_EQ(::pipe(ready), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      write_until_killed(ready[1]);
      ::_exit(1);
    }
    char byte = 0;
    EXPECT_EQ(::read(ready[0], &byte, 1), 1);
    ::close(ready[0]);
    ::close(ready[1]);
    return child;
  }

  static void kill_now(pid_t child) {
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
  }

  static Status write_run(Store& store, std::int64_t events) {
    const auto run = store.begin_run(some_run());
    if (!run) return Error{run.error()};
    for (std::int64_t i = 0; i < events; ++i) {
      record_event(store.sink(), i, NodeId{0}, kPing, {{"text", "some text of the event"}});
    }
    return store.finish_run({});
  }

 private:
  void write_until_killed(int ready) {
    const auto store = Store::open(path());
    if (!store) return;
    for (int run = 0; run < 3; ++run) {
      if (!write_run(**store, 100)) return;
    }
    (*store)->set_batch_limits({10, 1U << 20, std::chrono::hours{1}});
    if (!(*store)->begin_run(some_run())) return;
    for (std::int64_t i = 0;; ++i) {
      record_event((*store)->sink(), i, NodeId{0}, kPing, {});
      if (i == 1000 && ::write(ready, "x", 1) != 1) return;
    }
  }
};

TEST_F(SqliteFailure, AKilledWriterLeavesItsFinishedRuns) {
  const pid_t writer = start_writer();
  {
    // While it lives, its run is its own.
    open(path());
    EXPECT_EQ(sql(path(), "SELECT group_concat(state) FROM run"),
              "finished,finished,finished,running");
    auto reader = StoreReader::open(path());
    EXPECT_EQ((*reader).run(4)->state, "running");
  }
  kill_now(writer);
  auto reader = StoreReader::open(path());
  ASSERT_TRUE(reader) << reader.error();
  EXPECT_EQ((*reader).run(4)->state, "failed");
  EXPECT_EQ((*reader).run(4)->result.failure, "the writer was killed");
  EXPECT_EQ(sql(path(), "SELECT state FROM run WHERE run_id = 4"), "running");

  const auto store = open(path());
  EXPECT_EQ(sql(path(), "SELECT state, failure FROM run"),
            "finished|NULL\nfinished|NULL\nfinished|NULL\nfailed|the writer was killed");
  EXPECT_EQ(sql(path(), "PRAGMA integrity_check"), "ok");
  EXPECT_EQ(sql(path(), "SELECT run_id, count(*) FROM event WHERE run_id < 4 GROUP BY run_id"),
            "1|100\n2|100\n3|100");
  EXPECT_EQ(sql(path(), "SELECT count(*) >= 1000 AND count(*) = max(sequence) + 1 FROM event "
                        "WHERE run_id = 4"),
            "1");
  TextSink read;
  EXPECT_TRUE((*reader).feed(4, read));
  EXPECT_TRUE(write_run(*store, 1));
}

TEST_F(SqliteFailure, ProcessesAreToldApart) {
  const std::string self = this_process();
  EXPECT_FALSE(has_ended(self));
  EXPECT_FALSE(has_ended(""));
  EXPECT_FALSE(has_ended("one two three four"));
  const std::string child = in_child([] { return this_process(); });
  EXPECT_NE(child, self);
  EXPECT_TRUE(has_ended(child));
  // The same process id with another start time is another process; another boot ended them all.
  EXPECT_TRUE(has_ended(self + "1"));
  EXPECT_TRUE(has_ended("0" + self));
  // What runs in another process id namespace cannot be judged.
  const std::size_t space = child.find(' ');
  EXPECT_FALSE(has_ended(child.substr(0, space + 1) + "9" + child.substr(space + 1)));
}

TEST_F(SqliteFailure, AProcessThatNobodyWaitedForHasEnded) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const std::string name = this_process();
    ::_exit(::write(ends[1], name.data(), name.size()) > 0 ? 0 : 1);
  }
  char name[256];
  const ssize_t size = ::read(ends[0], name, sizeof name);
  ASSERT_GT(size, 0);
  siginfo_t info{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT), 0);
  EXPECT_TRUE(has_ended(std::string_view(name, static_cast<std::size_t>(size))));
  ::waitpid(child, nullptr, 0);
}

TEST_F(SqliteFailure, ADiskErrorFailsTheRunAndNothingElse) {
  const std::string said = in_child([this] {
    ::signal(SIGXFSZ, SIG_IGN);
    const auto store = Store::open(path());
    if (!store || !write_run(**store, 10)) return std::string("not set up");
    const rlimit small{200'000, 200'000};
    if (::setrlimit(RLIMIT_FSIZE, &small) != 0) return std::string("no limit");
    const Status status = write_run(**store, 50'000);
    return status ? std::string("no error") : status.error();
  });
  EXPECT_THAT(said, HasSubstr("the disk reported an error on the result store " + path()));
  open(path());
  EXPECT_EQ(sql(path(), "SELECT state FROM run"), "finished\nfailed");
  EXPECT_EQ(sql(path(), "SELECT count(*) FROM event WHERE run_id = 1"), "10");
}

TEST_F(SqliteFailure, AFullDiskIsSaidAndRunsGoOnWhenThereIsSpace) {
  const std::string said = in_child([this]() -> std::string {
    const std::string disk = directory_ / "disk";
    std::filesystem::create_directory(disk);
    if (::unshare(CLONE_NEWNS) != 0 ||
        ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("none", disk.c_str(), "tmpfs", 0, "size=2m") != 0) {
      return "skip";
    }
    const auto store = Store::open(disk + "/results.db");
    if (!store) return store.error();
    // So much that deleting it makes room for what follows.
    std::ofstream(disk + "/ballast") << std::string(1'000'000, 'x');
    if (Status first = write_run(**store, 10); !first) return first.error();
    const Status full = write_run(**store, 50'000);
    if (full) return "no error";
    std::filesystem::remove(disk + "/ballast");
    const Status after = write_run(**store, 10);
    return full.error() + "; then: " + (after ? "good" : after.error()) + "; " +
           sql(disk + "/results.db", "SELECT group_concat(state) FROM run");
  });
  if (said == "skip") GTEST_SKIP() << "a small file system can be mounted by root alone";
  EXPECT_THAT(said, StartsWith("the disk is full: "));
  EXPECT_THAT(said, HasSubstr("results.db could not be written; free space and run again; then: "));
  EXPECT_THAT(said, HasSubstr("then: good; finished,"));
}

TEST_F(SqliteFailure, AnotherWriterThatHoldsTheLockIsNamed) {
  open(path());
  sqlite3* other = nullptr;
  ASSERT_EQ(sqlite3_open(path().c_str(), &other), SQLITE_OK);
  auto opened = Store::open(path(), std::chrono::milliseconds{20});
  ASSERT_TRUE(opened);
  Store& store = **opened;
  ASSERT_TRUE(store.begin_run(some_run()));
  ASSERT_EQ(sqlite3_exec(other, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
  const std::string sentence = "another program keeps the result store " + path() +
                               " locked: wait until it is done, or write to another file";
  record_event(store.sink(), 1, NodeId{0}, kPing, {});
  EXPECT_EQ(store.flush().error(), sentence);
  ASSERT_EQ(sqlite3_exec(other, "COMMIT", nullptr, nullptr, nullptr), SQLITE_OK);

  // The first error stays: a run with rows missing is never 'finished'.
  record_event(store.sink(), 2, NodeId{0}, kPing, {});
  store.add_verdict({"agreement", "valid", std::nullopt, "", {}, {}});
  EXPECT_EQ(store.flush().error(), sentence);
  RunResultRow result;
  result.fingerprint = "0123456789abcdef";
  EXPECT_EQ(store.finish_run(result).error(), sentence);
  EXPECT_EQ(sql(path(), "SELECT state, failure, fingerprint FROM run"),
            "failed|not all of its rows could be stored: " + sentence + "|0123456789abcdef");
  EXPECT_EQ(sql(path(), "SELECT count(*) FROM event"), "0");
  EXPECT_TRUE(write_run(store, 5));
  EXPECT_EQ(sql(path(), "SELECT run_id, state, (SELECT count(*) FROM event) FROM run WHERE "
                        "run_id = 2"),
            "2|finished|5");
  sqlite3_close(other);
}

TEST_F(SqliteFailure, WrongPathsAreExplained) {
  const std::string missing = path("no/such/results.db");
  EXPECT_EQ(error_of(Store::open(missing)),
            "the directory " + path("no/such") + " of the result store " + missing +
                " does not exist: create it first");
  EXPECT_EQ(read_error(missing), "there is no result store " + missing);
  EXPECT_EQ(error_of(Store::open(directory_)),
            directory_.string() + " is a directory: name a file in it");
  EXPECT_EQ(read_error(directory_), directory_.string() + " is a directory: name a file in it");
  EXPECT_THAT(error_of(Store::open("")), HasSubstr(" is a directory"));
}

TEST_F(SqliteFailure, MissingPermissionIsExplained) {
  open(path());
  ::chmod(directory_.c_str(), 0555);
  const std::string said = in_child([this] {
    if (::geteuid() == 0 && ::setresuid(65534, 65534, 65534) != 0) return std::string("skip");
    auto reader = StoreReader::open(path());
    return error_of(Store::open(path("new.db"))) + "\n" + error_of(Store::open(path())) + "\n" +
           (reader && (*reader).runs() ? "readable" : reader.error());
  });
  ::chmod(directory_.c_str(), 0755);
  if (said == "skip") GTEST_SKIP() << "root cannot give up its rights here";
  EXPECT_EQ(said, "no permission to create the result store " + path("new.db") +
                      " in its directory\nno permission to write the result store " + path() +
                      "\nreadable");
}

TEST_F(SqliteFailure, WrongFilesAreExplained) {
  std::ofstream(path("text")) << std::string(5000, 'x');
  EXPECT_EQ(error_of(Store::open(path("text"))),
            path("text") + " is not a result store: it is no SQLite database");
  EXPECT_EQ(read_error(path("text")),
            path("text") + " is not a result store: it is no SQLite database");

  sql(path("other.db"), "CREATE TABLE accounts (id)");
  const std::string foreign =
      path("other.db") + " is an SQLite database of another program, not a result store";
  EXPECT_EQ(error_of(Store::open(path("other.db"))), foreign);
  EXPECT_EQ(read_error(path("other.db")), foreign);
  EXPECT_EQ(sql(path("other.db"), "PRAGMA journal_mode"), "delete");

  std::ofstream(path("empty")).flush();
  EXPECT_EQ(read_error(path("empty")), path("empty") + " is an empty database, not a result store");
  EXPECT_EQ(error_of(Store::open(path("empty"))), "no error");
}

TEST_F(SqliteFailure, AnotherSchemaIsExplained) {
  open(path());
  sql(path(), "PRAGMA user_version = 7");
  const std::string version = "the result store " + path() +
                              " has schema version 7, this program reads and writes version 3: "
                              "use the program that made it, or name another file";
  EXPECT_EQ(error_of(Store::open(path())), version);
  EXPECT_EQ(read_error(path()), version);

  sql(path(), "PRAGMA user_version = 3; ALTER TABLE sample ADD COLUMN more INTEGER");
  const std::string altered = "the table sample of the result store " + path() +
                              " is not as this program writes it: it was altered or is damaged";
  EXPECT_EQ(error_of(Store::open(path())), altered);
  EXPECT_EQ(read_error(path()), altered);
}

TEST_F(SqliteFailure, WhatAUserAddsIsNoObstacle) {
  open(path());
  sql(path(), "CREATE TABLE note (text); CREATE VIEW v_note AS SELECT * FROM note");
  EXPECT_EQ(error_of(Store::open(path())), "no error");
  sql(path(), "CREATE TRIGGER t AFTER INSERT ON run BEGIN DELETE FROM run; END");
  EXPECT_EQ(error_of(Store::open(path())),
            "the result store " + path() + " has triggers: drop them first");
}

}  // namespace
}  // namespace twinbed::backends
