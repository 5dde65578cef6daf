//! Several requests at once, told in order: work runs in a few lanes, results come out in the order of the items,
//! and the first item that fails ends it. It knows nothing of requests.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;

use cluster::sorted::Set;

/// Most requests under way at once.
const LANES_MAX: usize = 8;

/// Runs `work` on every item, at most [`LANES_MAX`] at a time, and hands each result to `tell` in the order of
/// the items. After a failure no further item is begun; those before it have all been told.
///
/// # Errors
/// The failure of the first item, in their order, that failed; or what `tell` returned.
pub(crate) fn in_order<I, T, E>(
    items: &[I],
    work: impl Fn(&I) -> Result<T, E> + Sync,
    mut tell: impl FnMut(&I, T) -> Result<(), E>,
) -> Result<(), E>
where
    I: Sync,
    T: Send,
    E: Send,
{
    if let [only] = items {
        return work(only).and_then(|result| tell(only, result));
    }
    let results: Vec<Mutex<Option<Result<T, E>>>> = items.iter().map(|_| Mutex::new(None)).collect();
    let run = |position: usize| {
        let (Some(item), Some(place)) = (items.get(position), results.get(position)) else { return false };
        let result = work(item);
        let well = result.is_ok();
        *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
        well
    };
    let mut told = Ok(());
    let mut pass_on = |position: usize| {
        let place =
            results.get(position).map(|place| place.lock().unwrap_or_else(PoisonError::into_inner).take());
        if let (Some(item), Some(Some(result))) = (items.get(position), place) {
            told = result.and_then(|result| tell(item, result));
        }
        told.is_ok()
    };
    spread(items.len(), &run, &mut pass_on);
    told
}

/// Calls `run` for each position below `count`, some at once, until one returns false; and `done` here for each in
/// their order until it returns false. Kept free of the items' types, so that it is compiled once.
fn spread(count: usize, run: &(dyn Fn(usize) -> bool + Sync), done: &mut dyn FnMut(usize) -> bool) {
    let stop = AtomicBool::new(false);
    let next = AtomicUsize::new(0);
    let (sender, finished) = mpsc::channel();
    let lane = |sender: mpsc::Sender<usize>| {
        while !stop.load(Ordering::SeqCst) {
            let position = next.fetch_add(1, Ordering::SeqCst);
            if position >= count {
                break;
            }
            if !run(position) {
                stop.store(true, Ordering::SeqCst);
            }
            if sender.send(position).is_err() {
                break;
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..LANES_MAX.min(count) {
            let sender = sender.clone();
            scope.spawn(|| lane(sender));
        }
        drop(sender);
        let mut early = Set::new();
        let mut expected = 0;
        while let Ok(position) = finished.recv() {
            early.insert(position);
            while early.remove(&expected) {
                if !done(expected) {
                    stop.store(true, Ordering::SeqCst);
                    return;
                }
                expected += 1;
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Barrier;

    #[test]
    fn results_come_in_order_whatever_finishes_first() {
        let items: Vec<usize> = (0..100).collect();
        let mut told = Vec::new();
        let work = |i: &usize| -> Result<usize, ()> {
            for _ in 0..(100 - i) * 200 {
                std::hint::spin_loop();
            }
            Ok(i * 2)
        };
        in_order(&items, work, |_, doubled| {
            told.push(doubled);
            Ok(())
        })
        .unwrap();
        assert_eq!(told, (0..100).map(|i| i * 2).collect::<Vec<_>>());
    }

    #[test]
    fn eight_run_at_once() {
        let meeting = Barrier::new(LANES_MAX);
        let items: Vec<usize> = (0..LANES_MAX).collect();
        let work = |_: &usize| -> Result<(), ()> {
            meeting.wait();
            Ok(())
        };
        in_order(&items, work, |_, ()| Ok(())).unwrap();
    }

    #[test]
    fn the_first_failure_in_order_is_reported_and_ends_it() {
        let begun = Mutex::new(Vec::new());
        let items: Vec<usize> = (0..1000).collect();
        let mut told = Vec::new();
        let work = |i: &usize| {
            begun.lock().unwrap().push(*i);
            if *i == 3 || *i == 5 { Err(*i) } else { Ok(()) }
        };
        let failed = in_order(&items, work, |i, ()| {
            told.push(*i);
            Ok(())
        });
        assert_eq!(failed, Err(3));
        assert_eq!(told, [0, 1, 2]);
        let begun = begun.into_inner().unwrap();
        assert!(begun.len() <= 5 + 2 * LANES_MAX, "{begun:?}");
    }

    #[test]
    fn nothing_and_one_are_fine() {
        in_order(&[], |_: &u8| Ok::<(), ()>(()), |_, ()| Ok(())).unwrap();
        assert_eq!(in_order(&[1], |_: &u8| Err::<(), _>("no"), |_, ()| Ok(())), Err("no"));
    }
}
