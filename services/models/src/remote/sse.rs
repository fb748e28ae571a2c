//! Server-sent events: bytes in, the data of whole events out.

use crate::error::ModelError;

/// Longest line that is believed: an answer's piece has a few hundred bytes.
const LONGEST: usize = 1 << 20;

/// Bytes of a line that has not ended, and data of an event that has not ended.
#[derive(Default)]
pub(super) struct Lines {
    line: Vec<u8>,
    data: Vec<String>,
}

impl Lines {
    /// Takes what the network brought, cut anywhere; returns the data of the events that ended.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<Vec<String>, ModelError> {
        let mut events = Vec::new();
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(part);
            if self.line.len() > LONGEST {
                return Err(ModelError::Failed("the generation server sent a line without end".to_owned()));
            }
            if self.line.ends_with(b"\n") {
                let line = std::mem::take(&mut self.line);
                let text = String::from_utf8_lossy(&line);
                self.end_line(text.trim_end_matches(['\r', '\n']), &mut events);
            }
        }
        Ok(events)
    }

    /// Comments and fields other than `data` say nothing here.
    fn end_line(&mut self, line: &str, events: &mut Vec<String>) {
        if line.is_empty() {
            if !self.data.is_empty() {
                events.push(std::mem::take(&mut self.data).join("\n"));
            }
        } else if let Some(data) = line.strip_prefix("data:") {
            self.data.push(data.strip_prefix(' ').unwrap_or(data).to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Lines;

    #[test]
    fn events_come_out_whole_wherever_the_network_cuts() {
        let stream = ": ping\r\n\r\ndata: añ\r\n\r\nevent: x\ndata: 1\ndata: 2\n\n".as_bytes();
        for cut in 0..stream.len() {
            let mut lines = Lines::default();
            let mut events = lines.push(&stream[..cut]).unwrap();
            events.extend(lines.push(&stream[cut..]).unwrap());
            assert_eq!(events, ["añ", "1\n2"], "cut at {cut}");
        }
    }
}
