//! What the system tells of a process: processor time and memory (`proc(5)`).

use std::fs;

use anyhow::Context;

/// Clock ticks a second in `/proc/*/stat`: fixed at 100 for programs on Linux, whatever the kernel's own tick.
const TICKS_PER_SECOND: f64 = 100.0;

/// Processor time that a process has used, in seconds of one core.
///
/// # Errors
/// There is no such process.
pub fn cpu_seconds(pid: u32) -> anyhow::Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).with_context(|| format!("process {pid} is gone"))?;
    fields(&stat).map(|(_, ticks)| ticks / TICKS_PER_SECOND).with_context(|| format!("process {pid} tells nothing"))
}

/// Processor time of all processes in a group that live now, in seconds of one core.
#[must_use]
pub fn group_cpu_seconds(group: u32) -> f64 {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let stats = processes.filter_map(|entry| fs::read_to_string(entry.path().join("stat")).ok());
    let ticks: f64 = stats.filter_map(|stat| fields(&stat)).filter(|(of, _)| *of == group).map(|(_, t)| t).sum();
    ticks / TICKS_PER_SECOND
}

/// The most memory that a process ever had resident, in MiB.
///
/// # Errors
/// There is no such process.
pub fn peak_rss_mb(pid: u32) -> anyhow::Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).with_context(|| format!("process {pid} is gone"))?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = peak.and_then(|rest| rest.trim().strip_suffix("kB")).and_then(|number| number.trim().parse::<f64>().ok());
    kib.map(|kib| kib / 1024.0).with_context(|| format!("process {pid} tells nothing of its memory"))
}

/// Process group, and ticks in user and system mode. The command's name stands in parentheses and may hold anything.
fn fields(stat: &str) -> Option<(u32, f64)> {
    let (_, rest) = stat.rsplit_once(')')?;
    // After the name: state, parent, group, …; user and system time are fields 14 and 15 of the whole.
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    let number = |index: usize| fields.get(index)?.parse::<f64>().ok();
    Some((fields.get(2)?.parse().ok()?, number(11)? + number(12)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_name_with_parentheses_is_stepped_over() {
        let stat = "7 (a) b (c) S 1 42 42 0 -1 4194560 100 0 0 0 30 12 0 0 20 0 1 0 5 1 1";
        assert_eq!(fields(stat), Some((42, 42.0)));
    }

    #[test]
    fn this_process_has_used_time_and_memory() {
        let me = std::process::id();
        assert!(cpu_seconds(me).unwrap() >= 0.0);
        assert!(peak_rss_mb(me).unwrap() > 1.0);
        assert!(cpu_seconds(u32::MAX).is_err());
    }
}
