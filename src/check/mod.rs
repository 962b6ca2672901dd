//! The preflight: facts about app and machine, and the rules that judge them.

pub mod machine;
