// Tokens: what each role may do, for which machines, and how they come and go.
#include "tests/system/running_server.h"

#include <signal.h>

#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace takt::test {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kPlant = R"(
[plant]
id = "P1"
[[area]]
id = "A1"
[[area]]
id = "A2"
[[line]]
id = "L1"
area = "A1"
[[line]]
id = "L2"
area = "A2"
[[machine]]
id = "M1"
line = "L1"
[[machine]]
id = "M2"
line = "L2"
[[reason]]
code = "JAM"
category = "failure"
)";

constexpr const char* kCount = R"({"type":"count","machine":"M1","ts":"2026-01-05T00:00:00Z","good":1})";
constexpr const char* kClassify =
    R"({"type":"classify","machine":"M1","start":"2026-01-05T00:00:00Z","end":"2026-01-05T01:00:00Z","reason":"JAM"})";

class Access : public testing::Test {
 protected:
  void SetUp() override {
    server = std::make_unique<RunningServer>(folder, kPlant, std::vector<std::string>{"--tcp", tcp});
    ASSERT_TRUE(server->wait_until_ready());
    admin = make("admin");
  }

  /// A token, made with the one of `by`.
  std::string make(const std::string& role, const std::vector<std::string>& scopes = {},
                   const std::string& expires = {}) {
    std::vector<std::string> words{"token",  "create", "--server", server->url(),
                                   "--role", role,     "--name",   "one " + role};
    if (!admin.empty()) words.insert(words.end(), {"--token", admin});
    for (const std::string& scope : scopes) words.insert(words.end(), {"--scope", scope});
    if (!expires.empty()) words.insert(words.end(), {"--expires", expires});
    const Finished made = run_takt(words);
    EXPECT_EQ(made.status, 0) << made.error;
    return made.output.substr(0, made.output.find('\n'));
  }
  HttpReply ask(const std::string& token, const std::string& target, const HttpHeaders& more = {}) {
    return sent(token, [&](HttpClient& client) { return client.get(target, more); });
  }
  HttpReply post(const std::string& token, const std::string& target, std::string_view body,
                 std::string_view type = "application/json", const HttpHeaders& more = {}) {
    return sent(token, [&](HttpClient& client) { return client.post(target, {body, type}, more); });
  }
  HttpReply sent(const std::string& token, const std::function<Result<HttpReply>(HttpClient&)>& send) {
    HttpClientOptions options;
    options.token = token;
    auto client = HttpClient::open(server->url(), options);
    const auto reply = send(*client);
    EXPECT_TRUE(reply);
    return reply ? *reply : HttpReply{};
  }

  TemporaryFolder folder;
  std::string tcp = "127.0.0.1:" + std::to_string(free_port());
  std::unique_ptr<RunningServer> server;
  std::string admin;
};

TEST_F(Access, FromTheFirstTokenOnNobodyGetsInWithoutOne) {
  const HttpReply nobody = ask("", "/v1/oee");
  EXPECT_EQ(nobody.status, 401);
  EXPECT_EQ(nobody.header("WWW-Authenticate"), "Bearer realm=\"takt\"");
  EXPECT_THAT(expect_problem(nobody, 401), HasSubstr("token"));
  EXPECT_EQ(ask("takt_00000000_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "/v1/oee").status, 401);
  EXPECT_EQ(ask(admin.substr(0, admin.size() - 1), "/v1/oee").status, 401);
  EXPECT_EQ(ask(admin, "/v1/oee").status, 200);
  // What tells nothing of the plant.
  for (const char* open : {"/healthz", "/readyz", "/", "/openapi.json"})
    EXPECT_EQ(ask("", open).status, 200) << open;
  for (const char* closed :
       {"/metrics", "/v1/status", "/v1/plant", "/v1/live", "/v1/sources", "/v1/quarantine", "/v1/audit",
        "/v1/export", "/v1/tokens", "/v1/session", "/v1/oee/current", "/v1/timeline?machine=M1"})
    EXPECT_EQ(ask("", closed).status, 401) << closed;
  EXPECT_EQ(post("", "/v1/events", kCount).status, 401);
  EXPECT_EQ(post("", "/write?machine=M1", "m v=1").status, 401);
}

struct Expectation {
  std::string role;
  int figures, count, lines, tokens, audit, replay, plant;
};

TEST_F(Access, EachRoleDoesWhatItIsForAndNothingElse) {
  const std::vector<Expectation> all{{"viewer", 200, 403, 403, 403, 403, 403, 403},
                                     {"operator", 200, 200, 400, 403, 403, 403, 403},
                                     {"ingest", 403, 200, 204, 403, 403, 403, 403},
                                     {"admin", 200, 200, 204, 200, 200, 200, 200}};
  for (const Expectation& expected : all) {
    SCOPED_TRACE(expected.role);
    const std::string token = make(expected.role);
    EXPECT_EQ(ask(token, "/v1/oee").status, expected.figures);
    EXPECT_EQ(ask(token, "/metrics").status, expected.figures);
    EXPECT_EQ(post(token, "/v1/events", kCount).status, expected.count);
    EXPECT_EQ(post(token, "/write?machine=M1", "m v=1").status, expected.lines);
    EXPECT_EQ(ask(token, "/v1/tokens").status, expected.tokens);
    EXPECT_EQ(ask(token, "/v1/audit").status, expected.audit);
    EXPECT_EQ(post(token, "/v1/quarantine/replay", "").status, expected.replay);
    EXPECT_EQ(sent(token,
                   [&](HttpClient& c) {
                     return c.put("/v1/plant?dry_run=1", {kPlant, "application/toml"});
                   })
                  .status,
              expected.plant);
    const Json who = json_of(ask(token, "/v1/session"));
    EXPECT_EQ(who["role"], expected.role);
    EXPECT_EQ(who["name"], "one " + expected.role);
  }
}

TEST_F(Access, AnOperatorClassifiesAndSendsNothingElse) {
  const std::string token = make("operator");
  const Json both = json_of(post(token, "/v1/events", std::string{"["} + kClassify + "," + kCount + "]"));
  EXPECT_EQ(both["accepted"], 1);
  EXPECT_EQ(both["rejected"], 1);
  EXPECT_EQ(both["rejects"][0]["index"], 1);
  EXPECT_EQ(both["rejects"][0]["code"], "forbidden");
}

TEST_F(Access, OtherMachinesDoNotExistForALimitedToken) {
  const std::string viewer = make("viewer", {"area:A1"});
  EXPECT_EQ(ask(viewer, "/v1/oee?scope=machine:M1").status, 200);
  EXPECT_EQ(ask(viewer, "/v1/oee?scope=line:L1").status, 200);
  EXPECT_EQ(json_of(ask(viewer, "/v1/oee"))["scope"], "area:A1") << "its own, where it names none";
  EXPECT_EQ(json_of(ask(viewer, "/v1/oee/current"))["machines"].size(), 1U);
  EXPECT_EQ(ask(viewer, "/v1/timeline?machine=M1").status, 200);
  const std::string other = expect_problem(ask(viewer, "/v1/oee?scope=machine:M2"), 403);
  const std::string none = expect_problem(ask(viewer, "/v1/oee?scope=machine:M3"), 403);
  EXPECT_EQ(none.find("M3") == std::string::npos ? none : std::string{none}.replace(none.find("M3"), 2, "M2"),
            other)
      << "what is there and what is not look alike";
  for (const char* beyond :
       {"/v1/oee?scope=plant", "/v1/oee?scope=area:A2", "/v1/oee?scope=line:L2", "/v1/timeline?machine=M2",
        "/v1/series?machine=M2&tag=t", "/v1/losses?scope=machine:M2", "/v1/downtime/pareto?scope=plant",
        "/v1/sources", "/metrics", "/v1/status", "/v1/export", "/v1/data-quality", "/v1/live?scope=area:A2"})
    EXPECT_EQ(ask(viewer, beyond).status, 403) << beyond;

  const std::string plant = ask(viewer, "/v1/plant").body;
  EXPECT_THAT(plant, HasSubstr("M1"));
  for (const char* others : {"M2", "L2", "A2"}) EXPECT_THAT(plant, Not(HasSubstr(others)));

  const std::string gateway = make("ingest", {"machine:M1"});
  const std::string m2 = R"({"type":"count","machine":"M2","ts":"2026-01-05T00:00:00Z","good":1})";
  const Json both = json_of(post(gateway, "/v1/events", std::string{"["} + kCount + "," + m2 + "]"));
  EXPECT_EQ(both["accepted"], 1);
  EXPECT_EQ(both["rejects"][0]["code"], "unknown_machine");
  const HttpReply lines =
      post(gateway, "/write", "t,machine=M1 v=1 1767571200000000000\nt,machine=M2 v=1 1767571200000000000");
  EXPECT_EQ(lines.status, 400);
  EXPECT_THAT(lines.body, HasSubstr("line 2: unknown_machine"));
  EXPECT_EQ(
      json_of(
          ask(admin, "/v1/series?machine=M1&tag=t.v&from=2026-01-05T00:00:00Z&to=2026-01-06T00:00:00Z"))["points"]
          .size(),
      1U);
  EXPECT_EQ(
      json_of(
          ask(admin, "/v1/series?machine=M2&tag=t.v&from=2026-01-05T00:00:00Z&to=2026-01-06T00:00:00Z"))["points"]
          .size(),
      0U);
}

TEST_F(Access, ALimitedAdminDoesNotChangeThePlant) {
  const std::string token = make("admin", {"area:A1"});
  EXPECT_EQ(sent(token,
                 [&](HttpClient& c) {
                   return c.put("/v1/plant", {kPlant, "application/toml"});
                 })
                .status,
            403);
  EXPECT_EQ(post(token, "/v1/tokens", R"({"name":"more","role":"admin"})").status, 403);
  EXPECT_EQ(ask(token, "/v1/oee?scope=area:A1").status, 200);
}

TEST_F(Access, ALimitedTokenRegistersNoMachines) {
  const std::string automatic =
      std::string{kPlant}.replace(std::string{kPlant}.find("id = \"P1\""), 9, "id = \"P1\"\nauto_register = true");
  EXPECT_EQ(sent(admin,
                 [&](HttpClient& c) {
                   return c.put("/v1/plant", {automatic, "application/toml"});
                 })
                .status,
            200);
  const std::string gateway = make("ingest", {"machine:M1"});
  const Json answer = json_of(
      post(gateway, "/v1/events", R"({"type":"count","machine":"M9","ts":"2026-01-05T00:00:00Z","good":1})"));
  EXPECT_EQ(answer["rejects"][0]["code"], "unknown_machine");
  EXPECT_THAT(ask(admin, "/v1/plant").body, Not(HasSubstr("M9")));
}

TEST_F(Access, TokensExpireAndAreRevokedAtOnceAndForGood) {
  const std::string short_lived = make("viewer", {}, "1s");
  EXPECT_EQ(ask(short_lived, "/v1/oee").status, 200);
  const std::string gone = make("viewer");
  const std::string id = gone.substr(5, 8);
  EXPECT_EQ(ask(gone, "/v1/oee").status, 200);
  const Finished revoked = run_takt({"token", "revoke", id, "--server", server->url(), "--token", admin});
  EXPECT_EQ(revoked.status, 0) << revoked.error;
  EXPECT_EQ(ask(gone, "/v1/oee").status, 401);
  const Finished list = run_takt({"token", "list", "--server", server->url(), "--token", admin});
  EXPECT_THAT(list.output, HasSubstr(id));
  EXPECT_THAT(list.output, HasSubstr("revoked"));
  EXPECT_THAT(list.output, Not(HasSubstr(gone.substr(14)))) << "the secret is shown once";
  const Json audit = json_of(ask(admin, "/v1/audit?limit=1000"));
  const Json last = audit["items"].back();
  EXPECT_EQ(last["action"], "token.revoke");
  EXPECT_EQ(last["by"], "one admin");
  EXPECT_THAT(last["actor"].get<std::string>(), HasSubstr("token one admin"));
  EXPECT_EQ(last["details"]["id"], id);
  std::this_thread::sleep_for(std::chrono::milliseconds{1100});
  EXPECT_EQ(ask(short_lived, "/v1/oee").status, 401);

  // The same after a restart, and by the folder of a stopped server.
  ASSERT_EQ(server->stop(), 0);
  EXPECT_EQ(run_takt({"token", "revoke", "ffffffff", "--data", folder.data().string()}).status, 1);
  const Finished offline = run_takt({"token", "create", "--data", folder.data().string(), "--role", "viewer"});
  EXPECT_EQ(offline.status, 0) << offline.error;
  server = std::make_unique<RunningServer>(folder);
  ASSERT_TRUE(server->wait_until_ready());
  EXPECT_EQ(ask(gone, "/v1/oee").status, 401);
  EXPECT_EQ(ask(admin, "/v1/oee").status, 200);
  EXPECT_EQ(ask(offline.output.substr(0, offline.output.find('\n')), "/v1/oee").status, 200);
  const Finished locked = run_takt({"token", "list", "--data", folder.data().string()});
  EXPECT_EQ(locked.status, 1);
  EXPECT_THAT(locked.error, HasSubstr("--server"));
}

TEST_F(Access, SecretsAreNowhereInTheDataFolder) {
  const std::string secret = make("viewer").substr(14);
  ASSERT_EQ(server->stop(), 0);
  for (const auto& entry : std::filesystem::recursive_directory_iterator{folder.data()}) {
    if (!entry.is_regular_file()) continue;
    const Finished found = run_program({"/bin/grep", "-c", "-F", "-e", secret, entry.path().string()});
    EXPECT_EQ(found.status, 1) << entry.path();
  }
}

TEST_F(Access, TheBinaryProtocolAsksForATokenToo) {
  const auto push = [&](const std::string& token, const std::string& patience) {
    write_file(folder.path() / "events", std::string{kCount} + "\n");
    write_file(folder.path() / "token", token + "\n");
    return run_program({"/bin/sh", "-c",
                        "exec " + takt_binary() + " push --server " + tcp + " --spool " +
                            (folder.path() / "spool").string() +
                            (token.empty() ? "" : " --token-file " + (folder.path() / "token").string()) +
                            " --patience " + patience + " < " + (folder.path() / "events").string()});
  };
  EXPECT_THAT(push("", "0.5").error, HasSubstr("a token is needed"));
  EXPECT_THAT(push(make("viewer"), "0.5").error, HasSubstr("may not send"));
  const Finished sent = push(make("ingest"), "60");
  EXPECT_EQ(sent.status, 0) << sent.error;
}

TEST_F(Access, ClientsOfInfluxDbShowTheirTokenTheirWay) {
  const std::string token = make("ingest");
  EXPECT_EQ(
      post("", "/api/v2/write?bucket=b&machine=M1", "m v=1", "text/plain", {{"Authorization", "Token " + token}})
          .status,
      204);
  EXPECT_EQ(post("", "/write?db=b&machine=M1&u=x&p=" + token, "m v=1", "text/plain").status, 204);
  const Finished basic =
      run_program({"/usr/bin/curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "-u", "x:" + token,
                   "--data-binary", "m v=1", server->url() + "/write?machine=M1"});
  EXPECT_EQ(basic.output, "204") << basic.error;
}

TEST_F(Access, APageHasASession) {
  EXPECT_EQ(post("", "/v1/session", R"({"token":"takt_00000000_x"})").status, 401);
  const HttpReply begun = post("", "/v1/session", R"({"token":")" + make("operator") + "\"}");
  ASSERT_EQ(begun.status, 204);
  const std::string cookie{begun.header("Set-Cookie").value_or("")};
  EXPECT_THAT(cookie, HasSubstr("HttpOnly"));
  EXPECT_THAT(cookie, HasSubstr("SameSite=Strict"));
  const HttpHeaders with{{"Cookie", "other=1; " + cookie.substr(0, cookie.find(';'))}};
  EXPECT_EQ(ask("", "/v1/oee", with).status, 200);
  EXPECT_EQ(post("", "/v1/events", kClassify, "application/json", with).status, 200);
  HttpHeaders elsewhere = with;
  elsewhere.emplace_back("Origin", "http://evil.example");
  EXPECT_EQ(post("", "/v1/events", kClassify, "application/json", elsewhere).status, 401);
  EXPECT_EQ(ask("", "/v1/oee", {{"Cookie", "takt_session=guess"}}).status, 401);
}

TEST_F(Access, WhoGuessesIsHeldOffAndWhoKnowsIsNot) {
  int last = 0;
  for (int i = 0; i < 25; ++i) last = ask("takt_00000000_guess" + std::to_string(i), "/v1/oee").status;
  EXPECT_EQ(last, 429);
  EXPECT_EQ(ask(admin, "/v1/oee").status, 200);
}

TEST(AccessWithoutTokens, TheFirstOneIsAnAdmins) {
  TemporaryFolder folder;
  RunningServer server{folder, kPlant};
  ASSERT_TRUE(server.wait_until_ready());
  const Finished viewer = run_takt({"token", "create", "--server", server.url(), "--role", "viewer"});
  EXPECT_EQ(viewer.status, 1);
  EXPECT_THAT(viewer.error, HasSubstr("admin"));
  EXPECT_EQ(Client{server}.get("/v1/oee").status, 200) << "nothing has changed";
}

TEST(AccessFromOutside, NeedsTlsAndTokens) {
  TemporaryFolder folder;
  const Finished plain = run_takt({"serve", "--data", folder.data().string(), "--http", "0.0.0.0:0"});
  EXPECT_EQ(plain.status, 1);
  EXPECT_THAT(plain.error, HasSubstr("TLS"));
  const Finished certificate =
      run_program({"/usr/bin/openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                   "-nodes", "-days", "2", "-subj", "/CN=takt", "-addext", "subjectAltName=IP:127.0.0.1",
                   "-keyout", (folder.path() / "key").string(), "-out", (folder.path() / "pem").string()});
  ASSERT_EQ(certificate.status, 0) << certificate.error;
  const std::vector<std::string> words{takt_binary(), "serve",
                                       "--data",      folder.data().string(),
                                       "--http",      "0.0.0.0:0",
                                       "--tls-cert",  (folder.path() / "pem").string(),
                                       "--tls-key",   (folder.path() / "key").string()};
  const Finished open = run_program(words);
  EXPECT_EQ(open.status, 1);
  EXPECT_THAT(open.error, HasSubstr("takt token create"));
  const Finished made = run_takt({"token", "create", "--data", folder.data().string(), "--role", "admin"});
  ASSERT_EQ(made.status, 0) << made.error;
  HttpClientOptions access;
  access.trust.ca = (folder.path() / "pem").string();
  access.token = made.output.substr(0, made.output.find('\n'));
  ChildProcess server{words};
  const auto log = server.wait_for_error_text("/\n");
  ASSERT_TRUE(log);
  const std::size_t colon = log->rfind(':');
  const auto url = "https://127.0.0.1" + log->substr(colon, log->find('/', colon) - colon);
  ASSERT_TRUE(server.wait_for_error_text("serving "));
  auto client = HttpClient::open(url, access);
  const auto answer = client->get("/v1/oee");
  ASSERT_TRUE(answer) << answer.error().context;
  EXPECT_EQ(answer->status, 200);
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait(), 0);
}

}  // namespace
}  // namespace takt::test
