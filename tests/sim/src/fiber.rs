//! A thread that is none: code that blocks runs on a stack of its own and gives the one real thread back whenever it
//! waits. What it waits for, and who goes on when, is for the simulator to say.

use std::cell::{Cell, RefCell};
use std::ptr;

use corosensei::stack::DefaultStack;
use corosensei::{Coroutine, CoroutineResult, Yielder};

/// Room for the deepest thing an agent does, unoptimised.
const STACK_BYTES: usize = 1024 * 1024;

type Stacked = Coroutine<(), (), (), DefaultStack>;

thread_local! {
    /// Whoever runs on this thread now gives it back through this; null outside of fibers.
    static RUNNING: Cell<*const Yielder<(), ()>> = const { Cell::new(ptr::null()) };
    /// Stacks of fibers that have ended.
    static STACKS: RefCell<Vec<DefaultStack>> = const { RefCell::new(Vec::new()) };
}

/// A simulated thread. Dropped before its end it is unwound, as nothing it does after its machine's death may count.
pub struct Fiber(Option<Stacked>);

impl Fiber {
    /// A fiber that has not begun.
    ///
    /// # Panics
    /// There is no memory for its stack.
    pub fn new(work: impl FnOnce() + 'static) -> Self {
        let stack = STACKS.with_borrow_mut(Vec::pop);
        #[expect(clippy::expect_used, reason = "a test without memory has nothing left to say")]
        let stack = stack.unwrap_or_else(|| DefaultStack::new(STACK_BYTES).expect("memory for a stack"));
        Self(Some(Coroutine::with_stack(stack, move |yielder, ()| {
            RUNNING.set(yielder);
            work();
        })))
    }

    /// Runs until it waits or ends; true at its end. Never from within a fiber.
    pub fn resume(&mut self) -> bool {
        let result = self.0.as_mut().map(|fiber| fiber.resume(()));
        RUNNING.set(ptr::null());
        !matches!(result, Some(CoroutineResult::Yield(())))
    }
}

impl Drop for Fiber {
    fn drop(&mut self) {
        let Some(mut fiber) = self.0.take() else { return };
        if fiber.started() && !fiber.done() {
            fiber.force_unwind();
        }
        RUNNING.set(ptr::null());
        if fiber.done() {
            STACKS.with_borrow_mut(|stacks| stacks.push(fiber.into_stack()));
        }
    }
}

/// Gives the thread back until the simulator has this fiber go on. Outside of fibers there is nobody to give it to.
#[expect(unsafe_code, reason = "the yielder lies on the stack that is left here")]
pub fn suspend() {
    let running = RUNNING.get();
    if running.is_null() {
        return;
    }
    // SAFETY: it was set by the fiber that runs now, to a yielder on that fiber's own stack, which cannot end before
    // this call does. `resume` clears it whenever no fiber runs, and this sets it again when this one goes on.
    unsafe { &*running }.suspend(());
    RUNNING.set(running);
}
