//! Where output waits for its turn: in memory up to a budget, in spill files beyond it.
//!
//! Never knows why a task is not at the head.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::mem;
use std::path::PathBuf;

use super::pool::BlockPool;
use super::spill::{SpillFile, SpillFolder};
use super::{BLOCK_BYTES, OutputBlock};

/// Memory that must be left for a block to be taken in before it has to be: twice a usual one, as
/// the last row may make a block longer.
const ROOM_BYTES_MIN: usize = 2 * BLOCK_BYTES;

/// What waits of one task.
struct WaitingTask<T> {
    /// In memory. Always earlier in the task than what lies in `spilled`.
    blocks: VecDeque<OutputBlock>,
    /// On disk. Once a task has spilled, all it emits goes here, so that its order holds.
    spilled: Option<SpillFile>,
    /// How the task ended, once it has.
    end: Option<T>,
}

impl<T> Default for WaitingTask<T> {
    fn default() -> Self {
        Self { blocks: VecDeque::new(), spilled: None, end: None }
    }
}

/// All that waits, by task.
pub(super) struct ReorderBuffer<'a, T> {
    waiting: BTreeMap<usize, WaitingTask<T>>,
    /// Bytes in all `blocks`; never above `budget_bytes`.
    held_bytes: usize,
    budget_bytes: usize,
    folder: SpillFolder,
    /// Where empty buffers go.
    pub(super) pool: &'a BlockPool,
}

impl<'a, T> ReorderBuffer<'a, T> {
    pub(super) fn new(budget_bytes: usize, spill: PathBuf, pool: &'a BlockPool) -> Self {
        Self {
            waiting: BTreeMap::new(),
            held_bytes: 0,
            budget_bytes,
            folder: SpillFolder::new(spill),
            pool,
        }
    }

    /// Keeps a block of `task` behind all that it emitted before.
    pub(super) fn push(&mut self, task: usize, mut block: OutputBlock) -> io::Result<()> {
        // A short block in a long buffer (the end of a small file) must not hold the whole buffer.
        if block.bytes.len() < block.bytes.capacity() / 2 {
            let exact = block.bytes.as_slice().to_vec();
            self.pool.put(mem::replace(&mut block.bytes, exact));
        }
        let waiting = self.waiting.entry(task).or_default();
        // The capacity is what memory really holds.
        let bytes = block.bytes.capacity();
        if waiting.spilled.is_none() && self.held_bytes + bytes <= self.budget_bytes {
            self.held_bytes += bytes;
            waiting.blocks.push_back(block);
            return Ok(());
        }
        let spilled = match &mut waiting.spilled {
            Some(file) => file,
            none => none.insert(self.folder.create(task)?),
        };
        spilled.push(&block)?;
        self.pool.put(block.bytes);
        Ok(())
    }

    /// Whether more can wait in memory without anything being spilled. There is no room while
    /// `head` has spilled: its file is read now, and nothing can be put behind it.
    pub(super) fn has_room(&self, head: usize) -> bool {
        let spilled = self.waiting.get(&head).is_some_and(|waiting| waiting.spilled.is_some());
        !spilled && self.held_bytes + ROOM_BYTES_MIN <= self.budget_bytes
    }

    /// Whether no block of `task` waits.
    pub(super) fn is_empty(&self, task: usize) -> bool {
        let waits =
            |waiting: &WaitingTask<T>| !waiting.blocks.is_empty() || waiting.spilled.is_some();
        !self.waiting.get(&task).is_some_and(waits)
    }

    /// The next block of `task`, in the order in which it was buffered.
    pub(super) fn pop(&mut self, task: usize) -> io::Result<Option<OutputBlock>> {
        let Some(waiting) = self.waiting.get_mut(&task) else { return Ok(None) };
        if let Some(block) = waiting.blocks.pop_front() {
            self.held_bytes -= block.bytes.capacity();
            return Ok(Some(block));
        }
        let Some(file) = &mut waiting.spilled else { return Ok(None) };
        let next = file.pop()?;
        if next.is_none()
            && let Some(file) = waiting.spilled.take()
        {
            file.remove()?;
        }
        Ok(next)
    }

    /// Notes how `task` ended.
    pub(super) fn end(&mut self, task: usize, end: T) -> io::Result<()> {
        let waiting = self.waiting.entry(task).or_default();
        waiting.end = Some(end);
        waiting.spilled.as_mut().map_or(Ok(()), SpillFile::close)
    }

    /// How `task` ended, if it has.
    pub(super) fn end_of(&self, task: usize) -> Option<&T> {
        self.waiting.get(&task).and_then(|waiting| waiting.end.as_ref())
    }

    /// As [`ReorderBuffer::end_of`], once.
    pub(super) fn take_end(&mut self, task: usize) -> Option<T> {
        self.waiting.get_mut(&task).and_then(|waiting| waiting.end.take())
    }

    /// Drops what waits of `task`.
    pub(super) fn discard(&mut self, task: usize) -> io::Result<()> {
        let Some(waiting) = self.waiting.remove(&task) else { return Ok(()) };
        self.held_bytes -= waiting.blocks.iter().map(|block| block.bytes.capacity()).sum::<usize>();
        waiting.spilled.map_or(Ok(()), SpillFile::remove)
    }
}
