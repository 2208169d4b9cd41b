//! Runs the built command as a shop would: as processes, with files, over HTTP.
#![allow(clippy::unwrap_used, reason = "what fails in a test is the test")]

mod advise;
mod commands;
mod decide;
mod demo;
mod deploy;
mod disk;
mod house;
mod kills;
mod learning;
mod money;
mod moves;
mod nodes;
mod operate;
mod real_data;
mod shoppers;
mod tables;
mod traces;
