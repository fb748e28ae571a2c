//! How texts of mixed length become batches: a batch costs its longest text times its size.

/// Groups the texts (given by their token counts) into batches of similar length, each of at
/// most `budget` tokens once padded, shortest first. A text above the budget goes alone.
pub(crate) fn batches(tokens: &[usize], budget: usize) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..tokens.len()).collect();
    order.sort_by_key(|&index| tokens[index]);
    let mut planned: Vec<Vec<usize>> = Vec::new();
    for index in order {
        // In ascending order the newcomer is the longest, so it decides what the batch is padded to.
        match planned.last_mut().filter(|batch| (batch.len() + 1) * tokens[index].max(1) <= budget) {
            Some(batch) => batch.push(index),
            None => planned.push(vec![index]),
        }
    }
    planned
}

#[cfg(test)]
mod tests {
    use super::batches;

    #[test]
    fn every_text_is_planned_once_and_no_batch_is_above_the_budget() {
        let tokens = [90, 3, 40, 41, 200, 7, 7, 39];
        let planned = batches(&tokens, 128);
        let mut seen: Vec<usize> = planned.iter().flatten().copied().collect();
        seen.sort_unstable();
        assert_eq!(seen, (0..tokens.len()).collect::<Vec<_>>());
        for batch in &planned {
            let longest = batch.iter().map(|&index| tokens[index]).max().unwrap();
            assert!(batch.len() == 1 || longest * batch.len() <= 128, "{batch:?}");
        }
        assert_eq!(planned[0], vec![1, 5, 6], "39 x 4 would be above the budget");
    }

    #[test]
    fn nothing_needs_no_batch() {
        assert!(batches(&[], 128).is_empty());
    }
}
