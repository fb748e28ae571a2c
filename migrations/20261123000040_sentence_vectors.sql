-- What each sentence of a passage means, from the pass that embedded the passage: packed vectors of
-- the model that the version names, in the order of its sentences. Absent where none were made.
ALTER TABLE passages ADD COLUMN sentence_vectors bytea;
