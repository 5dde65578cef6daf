//! What etcd says about itself and its cluster, said of a store: one member, which leads.

use http_server::{Method, Request, Response, Status};

use super::{Face, error, not_one_of, text};
use crate::json;

const MEMBERS: &str = "/v2/members";

impl Face {
    /// Everything that is not a key.
    pub(super) fn about(&self, request: &Request, path: &str) -> Response {
        if let Some(below) =
            path.strip_prefix(MEMBERS).filter(|rest| rest.is_empty() || rest.starts_with('/'))
        {
            return self.members(request, below.trim_start_matches('/'));
        }
        let (allowed, answer): (_, fn(&Self) -> Response) = match path {
            "/version" => ("GET", |_| Response::json(Status::Ok, version())),
            "/health" => ("GET", Self::health),
            "/v2/machines" => ("GET,HEAD", |face| text(Status::Ok, &face.client_url)),
            "/v2/stats/self" => ("GET", |face| Response::json(Status::Ok, face.stats_self())),
            "/v2/stats/store" => ("GET", |face| Response::json(Status::Ok, face.stats_store())),
            "/v2/stats/leader" => ("GET", |face| Response::json(Status::Ok, face.stats_leader())),
            "/v2/auth/enable" => {
                ("GET", |face| face.of_cluster(Response::json(Status::Ok, "{\"enabled\":false}\n")))
            }
            _ => return error(Status::NotFound, "404 page not found\n"),
        };
        not_one_of(&request.method, allowed).unwrap_or_else(|| answer(self))
    }

    fn of_cluster(&self, response: Response) -> Response {
        response.with_header("X-Etcd-Cluster-Id", self.cluster_id())
    }

    fn health(&self) -> Response {
        if self.engine.is_well() {
            text(Status::Ok, "{\"health\":\"true\"}")
        } else {
            text(Status::ServiceUnavailable, "{\"health\":\"false\"}")
        }
    }

    /// Never the same as the cluster's, and always the same for one.
    fn member_id(&self) -> String {
        format!("{:x}", self.engine.read(|keyspace, _| !keyspace.cluster().rotate_left(32)))
    }

    fn member(&self) -> String {
        let mut url = String::new();
        json::string(&mut url, &self.client_url);
        format!(
            "{{\"id\":\"{}\",\"name\":\"default\",\"peerURLs\":[],\"clientURLs\":[{url}]}}",
            self.member_id()
        )
    }

    fn members(&self, request: &Request, which: &str) -> Response {
        if let Some(refused) = not_one_of(&request.method, "GET,POST,DELETE,PUT") {
            return refused;
        }
        let (status, body) = match (&request.method, which) {
            (Method::Get, "") => (Status::Ok, format!("{{\"members\":[{}]}}\n", self.member())),
            (Method::Get, "leader") => (Status::Ok, format!("{}\n", self.member())),
            (Method::Get, _) => (Status::NotFound, message("Not found")),
            _ => (Status::NotImplemented, message("this store has one member and takes no other")),
        };
        self.of_cluster(Response::json(status, body))
    }

    fn stats_self(&self) -> String {
        let (id, (since, uptime)) = (self.member_id(), self.engine.opened());
        format!(
            "{{\"name\":\"default\",\"id\":\"{id}\",\"state\":\"StateLeader\",\"startTime\":\"{since}\",\
             \"leaderInfo\":{{\"leader\":\"{id}\",\"uptime\":\"{uptime}s\",\"startTime\":\"{since}\"}},\
             \"recvAppendRequestCnt\":0,\"sendAppendRequestCnt\":0}}"
        )
    }

    fn stats_store(&self) -> String {
        let watchers = self.engine.watchers();
        self.engine.read(|keyspace, _| json::counts(keyspace.counts(), watchers))
    }

    fn stats_leader(&self) -> String {
        format!("{{\"leader\":\"{}\",\"followers\":{{}}}}", self.member_id())
    }
}

/// The etcd whose v2 API this is, and in the build part of the version what it is really.
fn version() -> String {
    format!("{{\"etcdserver\":\"3.4.23+skiff.{}\",\"etcdcluster\":\"3.4.0\"}}", env!("CARGO_PKG_VERSION"))
}

fn message(text: &str) -> String {
    format!("{{\"message\":\"{text}\"}}")
}
