use std::{collections::VecDeque, fs, thread};

use crate::world::workspace;

/// A page of docs/recipes: its blocks of code, each of which the test of the page takes.
pub(crate) struct Page {
    name: &'static str,
    blocks: VecDeque<Block>,
}

struct Block {
    language: String,
    text: String,
}

impl Page {
    /// The page of this name, without its ending.
    pub(crate) fn open(name: &'static str) -> Self {
        let path = workspace().join(format!("docs/recipes/{name}.md"));
        let text = fs::read_to_string(path).unwrap();
        let mut blocks = VecDeque::new();
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            let Some(language) = line.strip_prefix("```") else {
                continue;
            };
            let body = lines.by_ref().take_while(|line| *line != "```");
            blocks.push_back(Block {
                language: language.to_owned(),
                text: body.flat_map(|line| [line, "\n"]).collect(),
            });
        }
        Self { name, blocks }
    }

    /// The next block, which is of this language.
    pub(crate) fn take(&mut self, language: &str) -> String {
        let block = self.blocks.pop_front().expect("a block that is left");
        assert_eq!(block.language, language, "in {}: {}", self.name, block.text);
        block.text
    }

    /// Leaves the rest of the page to another test.
    pub(crate) fn leave(mut self) {
        self.blocks.clear();
    }
}

impl Drop for Page {
    /// No code is printed that no test ran.
    fn drop(&mut self) {
        if !thread::panicking() {
            let left = self.blocks.len();
            assert_eq!(left, 0, "{left} blocks of {} were not run", self.name);
        }
    }
}
