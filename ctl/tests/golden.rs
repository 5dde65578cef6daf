//! fleet's captured session on each way to a cluster: against a double of the agent, over its unix socket and through a
//! tunnel, over the agent's real routes and server on TCP, and over the driver etcd.

#[cfg(test)]
#[cfg(feature = "real-etcd")]
mod conductor;
#[cfg(test)]
mod double;
#[cfg(test)]
mod run;
#[cfg(test)]
#[cfg(feature = "real-etcd")]
mod served;
#[cfg(test)]
#[path = "golden/session.rs"]
mod session;
#[cfg(test)]
mod stand_in;

#[cfg(test)]
mod by_agent {
    use cluster::TargetState;

    use crate::double::Double;
    use crate::double::fleet::{Fleet, Shown};
    use crate::run::{Outcome, run};
    use crate::session::{PLACES, Stage, replay, replay_contract};

    impl Stage for Double {
        fn run(&mut self, line: &str) -> Outcome {
            run(&self.endpoint(), line)
        }

        fn has(&mut self, unit: &str, text: &str, state: TargetState) {
            self.fleet().has(unit, text, state);
        }

        fn shows(&mut self, unit: &str, shown: Shown) {
            self.fleet().shown.insert(unit.to_owned(), shown);
        }

        fn refuses(&mut self, unit: &str, reasons: [&'static str; 3]) {
            self.fleet().refusals.insert(unit.to_owned(), reasons);
        }
    }

    #[test]
    fn the_captured_session_is_replayed() {
        let wrong = replay(&mut Double::start("golden", Fleet::placing(&PLACES)));
        assert!(wrong.is_empty(), "{wrong}");
    }

    #[test]
    fn the_contract_is_kept_beyond_the_session() {
        let places = [("hello.service", 0), ("web@4.service", 1)];
        let wrong = replay_contract(&mut Double::start("contract", Fleet::placing(&places)), &[]);
        assert!(wrong.is_empty(), "{wrong}");
    }
}

#[cfg(test)]
mod by_tunnel {
    use std::os::unix::fs::symlink;
    use std::path::PathBuf;

    use cluster::TargetState;

    use crate::double::Double;
    use crate::double::fleet::{Fleet, Shown};
    use crate::run::{Outcome, outcome};
    use crate::session::{PLACES, Stage, replay};
    use crate::stand_in::{SSH, programs, tunnelled};

    struct Tunnelled {
        far: Double,
        programs: PathBuf,
    }

    impl Stage for Tunnelled {
        fn run(&mut self, line: &str) -> Outcome {
            outcome(tunnelled(&self.far.endpoint(), &self.programs, line))
        }

        fn has(&mut self, unit: &str, text: &str, state: TargetState) {
            self.far.has(unit, text, state);
        }

        fn shows(&mut self, unit: &str, shown: Shown) {
            self.far.shows(unit, shown);
        }

        fn refuses(&mut self, unit: &str, reasons: [&'static str; 3]) {
            self.far.refuses(unit, reasons);
        }
    }

    #[test]
    fn the_captured_session_is_replayed() {
        let programs = programs("golden-tunnel", &[("ssh", SSH)]);
        symlink(env!("CARGO_BIN_EXE_ctl"), programs.join("ctl")).unwrap();
        let far = Double::start("golden-tunnel", Fleet::placing(&PLACES));
        let mut stage = Tunnelled { far, programs };
        let wrong = replay(&mut stage);
        assert!(wrong.is_empty(), "{wrong}");
        assert!(stage.programs.join("log").exists(), "nothing went through the tunnel");
    }
}

#[cfg(test)]
#[cfg(feature = "real-etcd")]
mod by_etcd {
    use cluster::TargetState;

    use crate::conductor::Conductor;
    use crate::double::fleet::Shown;
    use crate::run::{Outcome, outcome, words};
    use crate::session::{PLACES, Stage, replay, replay_contract};

    impl Stage for Conductor {
        fn run(&mut self, line: &str) -> Outcome {
            let mut command = crate::run::fleetctl(&self.endpoint(), &words(line));
            command.env("FLEETCTL_DRIVER", "etcd");
            let outcome = outcome(command);
            self.conduct();
            outcome
        }

        fn has(&mut self, unit: &str, text: &str, state: TargetState) {
            self.store_unit(unit, text, state);
        }

        fn shows(&mut self, unit: &str, shown: Shown) {
            self.show(unit, shown);
        }

        // The machines' reasons come from the rules themselves here.
        fn refuses(&mut self, _: &str, _: [&'static str; 3]) {}
    }

    #[test]
    fn the_captured_session_is_replayed() {
        let wrong = replay(&mut Conductor::start(&PLACES));
        assert!(wrong.is_empty(), "{wrong}");
    }

    #[test]
    fn the_contract_is_kept_beyond_the_session() {
        let places = [("hello.service", 0), ("web@4.service", 1)];
        // An endpoint is an etcd's here.
        let wrong = replay_contract(&mut Conductor::start(&places), &["045"]);
        assert!(wrong.is_empty(), "{wrong}");
    }
}

#[cfg(test)]
#[cfg(feature = "real-etcd")]
mod by_routes {
    use cluster::TargetState;

    use crate::conductor::Conductor;
    use crate::double::fleet::Shown;
    use crate::run::{Outcome, run};
    use crate::served::Served;
    use crate::session::{PLACES, Stage, replay, replay_contract};

    impl Stage for Served {
        fn run(&mut self, line: &str) -> Outcome {
            let outcome = run(self.endpoint(), line);
            self.fleet.conduct();
            outcome
        }

        fn has(&mut self, unit: &str, text: &str, state: TargetState) {
            self.fleet.store_unit(unit, text, state);
        }

        fn shows(&mut self, unit: &str, shown: Shown) {
            self.fleet.show(unit, shown);
        }

        fn refuses(&mut self, _: &str, _: [&'static str; 3]) {}
    }

    #[test]
    fn the_captured_session_is_replayed() {
        let mut served = Served::start(Conductor::start(&PLACES));
        let wrong = replay(&mut served);
        assert!(wrong.is_empty(), "{wrong}");
        assert!(served.asked().iter().any(|line| line.contains("/changes?")), "nothing was waited for");
    }

    #[test]
    fn the_contract_is_kept_beyond_the_session() {
        let places = [("hello.service", 0), ("web@4.service", 1)];
        let wrong = replay_contract(&mut Served::start(Conductor::start(&places)), &[]);
        assert!(wrong.is_empty(), "{wrong}");
    }
}
