// TLS of both ports: who is believed, who is not, and certificates that are renewed while the server runs.
#include "tests/system/running_server.h"

#include <signal.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace takt::test {
namespace {

using testing::HasSubstr;

/// A certificate for `name`, made by openssl, that vouches for itself.
void make_certificate(const std::filesystem::path& folder, const std::string& file, const std::string& name) {
  const Finished made =
      run_program({"/usr/bin/openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                   "-nodes", "-days", "2", "-subj", "/CN=" + file, "-addext", "subjectAltName=" + name, "-keyout",
                   (folder / (file + ".key")).string(), "-out", (folder / (file + ".pem")).string()});
  ASSERT_EQ(made.status, 0) << made.error;
}

class Tls : public testing::Test {
 protected:
  void SetUp() override {
    make_certificate(folder.path(), "server", "IP:127.0.0.1");
    server = std::make_unique<RunningServer>(
        folder, simple_plant(),
        std::vector<std::string>{"--tls-cert", file("server.pem"), "--tls-key", file("server.key"), "--tcp", tcp},
        access("server.pem"));
    ASSERT_TRUE(server->wait_until_ready());
  }

  std::string file(const std::string& name) const { return (folder.path() / name).string(); }
  HttpClientOptions access(const std::string& ca) const {
    HttpClientOptions options;
    options.trust.ca = file(ca);
    return options;
  }
  Result<HttpReply> ask_as(const std::string& url, const std::string& ca) const {
    auto client = HttpClient::open(url, access(ca));
    if (!client) return client.error();
    return client->get("/healthz");
  }
  Finished curl(const std::vector<std::string>& words) const {
    std::vector<std::string> all{"/usr/bin/curl", "-sS", "--cacert", file("server.pem")};
    all.insert(all.end(), words.begin(), words.end());
    return run_program(all);
  }

  TemporaryFolder folder;
  std::string tcp = "127.0.0.1:" + std::to_string(free_port());
  std::unique_ptr<RunningServer> server;
};

TEST_F(Tls, AnswersWhoeverBelievesItsCertificate) {
  EXPECT_EQ(server->url().substr(0, 8), "https://");
  Client client{*server};
  client.send({Json{{"type", "count"}, {"machine", "M1"}, {"ts", "2026-01-05T00:00:00Z"}, {"good", 1}}});
  EXPECT_EQ(client.total("scope=plant&from=2026-01-05T00:00:00Z&to=2026-01-06T00:00:00Z")["good_quantity"], 1);
  const Finished page = curl({"-o", "/dev/null", "-w", "%{http_code} %{ssl_verify_result}", server->url() + "/"});
  EXPECT_EQ(page.output, "200 0") << page.error;
  // An answer that only the end of the connection ends, and large ones.
  EXPECT_EQ(curl({"--http1.0", server->url() + "/openapi.json"}).status, 0);
  const Finished metrics = curl({"-H", "Connection: close", server->url() + "/metrics"});
  EXPECT_EQ(metrics.status, 0) << metrics.error;
  EXPECT_THAT(metrics.output, HasSubstr("takt_"));
}

TEST_F(Tls, SpeaksNothingOlderThanItsThirdVersion) {
  EXPECT_EQ(curl({"--tlsv1.3", server->url() + "/healthz"}).status, 0);
  EXPECT_NE(curl({"--tls-max", "1.2", server->url() + "/healthz"}).status, 0);
}

TEST_F(Tls, TellsPlainHttpWhereItIs) {
  const std::string plain = "http" + server->url().substr(5);
  const Finished told = curl({plain + "/healthz"});
  EXPECT_THAT(told.output, HasSubstr("https://"));
  EXPECT_EQ(ask_as(server->url(), "server.pem")->status, 200);
}

TEST_F(Tls, IsNotBelievedUnderAnotherNameOrBySomebodyElse) {
  make_certificate(folder.path(), "other", "IP:127.0.0.1");
  const auto stranger = ask_as(server->url(), "other.pem");
  ASSERT_FALSE(stranger);
  EXPECT_EQ(stranger.error().code, ErrorCode::unavailable);
  EXPECT_FALSE(ask_as("https://localhost:" + std::to_string(server->port()), "server.pem"))
      << "the certificate is for 127.0.0.1";
  EXPECT_THAT(ask_as(server->url(), "nobody.pem").error().context, HasSubstr("--tls-ca"));
}

TEST_F(Tls, CarriesTheBinaryProtocol) {
  std::string events;
  for (int i = 0; i < 20'000; ++i)
    events += R"({"type":"count","machine":"M1","ts":)" + std::to_string(1'767'571'200'000'000 + i) +
              R"(,"good":1})" + "\n";
  write_file(file("events.ndjson"), events);
  const auto push = [&](const std::string& to, const std::string& ca, const std::string& patience) {
    return run_program({"/bin/sh", "-c",
                        "exec " + takt_binary() + " push --server " + to + " --spool " + file("spool") +
                            " --tls-ca " + file(ca) + " --patience " + patience + " < " + file("events.ndjson")});
  };
  make_certificate(folder.path(), "other", "IP:127.0.0.1");
  const Finished stranger = push("tls://" + tcp, "other.pem", "1");
  EXPECT_EQ(stranger.status, 1);
  EXPECT_THAT(stranger.error, HasSubstr("certificate"));
  EXPECT_EQ(push(tcp, "server.pem", "1").status, 1) << "not secured, and not understood";
  const Finished pushed = push("tls://" + tcp, "server.pem", "60");
  EXPECT_EQ(pushed.status, 0) << pushed.error;
  const Finished imported =
      run_takt({"import", file("events.ndjson"), "--server", "tls://" + tcp, "--tls-ca", file("server.pem")});
  EXPECT_THAT(imported.output + imported.error, HasSubstr("20000 duplicate")) << imported.error;
  Client client{*server};
  EXPECT_EQ(client.total("scope=plant&from=2026-01-05T00:00:00Z&to=2026-01-06T00:00:00Z")["good_quantity"],
            20'000);
}

TEST_F(Tls, MachinesSendByTheirCertificate) {
  make_certificate(folder.path(), "press 7", "DNS:press7");
  make_certificate(folder.path(), "stranger", "DNS:press7");
  ASSERT_EQ(server->stop(), 0);
  const Finished admin = run_takt({"token", "create", "--data", folder.data().string(), "--role", "admin"});
  ASSERT_EQ(admin.status, 0) << admin.error;
  HttpClientOptions by_token = access("server.pem");
  by_token.token = admin.output.substr(0, admin.output.find('\n'));
  server = std::make_unique<RunningServer>(
      folder, std::string_view{},
      std::vector<std::string>{"--tls-cert", file("server.pem"), "--tls-key", file("server.key"),
                               "--tls-client-ca", file("press 7.pem"), "--tcp", tcp},
      by_token);
  ASSERT_TRUE(server->wait_until_ready());
  const auto ask = [&](const std::string& certificate) -> Result<HttpReply> {
    HttpClientOptions options = access("server.pem");
    if (!certificate.empty())
      options.trust.certificate = file(certificate + ".pem"), options.trust.key = file(certificate + ".key");
    auto client = HttpClient::open(server->url(), options);
    return client->post("/v1/events", {R"({"type":"count","machine":"M1","ts":"2026-01-05T00:00:00Z","good":1})",
                                       "application/json"});
  };
  EXPECT_EQ(ask("press 7")->status, 200);
  EXPECT_EQ(ask("")->status, 401) << "who shows none is asked for a token";
  EXPECT_FALSE(ask("stranger")) << "nobody vouches for it";
  write_file(file("events.ndjson"), R"({"type":"count","machine":"M1","ts":"2026-01-05T00:00:01Z","good":1})");
  const auto push = [&](const std::string& more) {
    return run_program({"/bin/sh", "-c",
                        "exec " + takt_binary() + " push --server tls://" + tcp + " --spool " + file("spool") +
                            " --tls-ca " + file("server.pem") + more + " --patience 2 < " +
                            file("events.ndjson")});
  };
  EXPECT_THAT(push("").error, HasSubstr("a token is needed"));
  const Finished pushed =
      push(" --client-cert '" + file("press 7.pem") + "' --client-key '" + file("press 7.key") + "'");
  EXPECT_EQ(pushed.status, 0) << pushed.error;
  EXPECT_EQ(Client{*server}.get("/v1/oee").status, 200);
}

TEST_F(Tls, ReadsRenewedCertificatesOnSighup) {
  make_certificate(folder.path(), "renewed", "IP:127.0.0.1");
  EXPECT_FALSE(ask_as(server->url(), "renewed.pem"));
  std::filesystem::copy_file(file("renewed.pem"), file("server.pem"),
                             std::filesystem::copy_options::overwrite_existing);
  server->process().signal(SIGHUP);  // the key is still the old one
  ASSERT_TRUE(server->process().wait_for_error_text("not reloaded"));
  EXPECT_FALSE(ask_as(server->url(), "renewed.pem")) << "what cannot be used is not used";
  std::filesystem::copy_file(file("renewed.key"), file("server.key"),
                             std::filesystem::copy_options::overwrite_existing);
  server->process().signal(SIGHUP);
  ASSERT_TRUE(server->process().wait_for_error_text("certificates are read again"));
  EXPECT_EQ(ask_as(server->url(), "renewed.pem")->status, 200);
}

TEST_F(Tls, SaysWhatIsWrongWithItsFiles) {
  const std::vector<std::string> serve{"serve", "--data", file("another"), "--http", "127.0.0.1:0"};
  const auto with = [&](const std::vector<std::string>& more) {
    std::vector<std::string> words = serve;
    words.insert(words.end(), more.begin(), more.end());
    return run_takt(words);
  };
  const Finished half = with({"--tls-cert", file("server.pem")});
  EXPECT_EQ(half.status, 1);
  EXPECT_THAT(half.error, HasSubstr("needs its key"));
  EXPECT_THAT(with({"--tls-cert", file("none.pem"), "--tls-key", file("server.key")}).error,
              HasSubstr("none.pem"));
  EXPECT_THAT(with({"--tls-cert", file("server.key"), "--tls-key", file("server.key")}).error,
              HasSubstr("server.key"));
}

}  // namespace
}  // namespace takt::test
