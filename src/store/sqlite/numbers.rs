//! Numbers that stand for documents, see [`NumberStore`].

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension};

use lienthong_contract::DocId;

use super::super::Result;
use super::super::numbers::NumberStore;
use super::SqliteStore;
use super::rows;

#[async_trait]
impl NumberStore for SqliteStore {
    async fn numbers(&self, documents: Vec<DocId>) -> Result<Vec<i64>> {
        // Mostly they have theirs already, and nothing is to be written.
        let asked = documents.clone();
        let known = self.read(move |db| asked.iter().map(|document| number(db, *document)).collect()).await;
        let known: Vec<Option<i64>> = known?;
        match known.into_iter().collect() {
            Some(numbers) => Ok(numbers),
            None => self.writer.write(move |db| documents.iter().map(|document| given(db, *document)).collect()).await,
        }
    }

    async fn document(&self, number: i64) -> Result<Option<DocId>> {
        self.read(move |db| document(db, number)).await
    }
}

fn number(db: &Connection, document: DocId) -> Result<Option<i64>> {
    let mut query = db.prepare_cached("SELECT number FROM document_numbers WHERE doc_id = ?1")?;
    Ok(query.query_row([document.as_bytes()], |row| row.get(0)).optional()?)
}

fn given(db: &Connection, document: DocId) -> Result<i64> {
    if let Some(number) = number(db, document)? {
        return Ok(number);
    }
    let mut insert = db.prepare_cached("INSERT INTO document_numbers (doc_id) VALUES (?1)")?;
    Ok(insert.insert([document.as_bytes()])?)
}

fn document(db: &Connection, number: i64) -> Result<Option<DocId>> {
    let mut query = db.prepare_cached("SELECT doc_id FROM document_numbers WHERE number = ?1")?;
    let mut found = query.query([number])?;
    found.next()?.map(|row| rows::doc_id(row, 0)).transpose()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[tokio::test]
    async fn a_document_keeps_its_number_and_no_number_comes_twice() {
        let folder = tempfile::tempdir().unwrap();
        let (file, hop) = (folder.path().join("store.db"), "province-a".parse().unwrap());
        let [one, two, three] = [DocId::fresh(), DocId::fresh(), DocId::fresh()];
        let store = SqliteStore::open(&file, &hop).unwrap();
        let numbers = store.numbers(vec![one, two, one]).await.unwrap();
        assert!(numbers.iter().all(|number| *number > 0));
        assert_eq!((numbers[0], numbers[0] == numbers[1]), (numbers[2], false));
        assert_eq!(store.document(numbers[1]).await.unwrap(), Some(two));
        assert_eq!(store.document(i64::MAX).await.unwrap(), None);
        drop(store);
        // Somebody cleans up: the number stays used all the same.
        rusqlite::Connection::open(&file)
            .unwrap()
            .execute("DELETE FROM document_numbers WHERE doc_id = ?1", [two.as_bytes()])
            .unwrap();
        let store = SqliteStore::open(&file, &hop).unwrap();
        let later = store.numbers(vec![one, three]).await.unwrap();
        assert_eq!(later[0], numbers[0]);
        assert!(later[1] > numbers[1]);
    }
}
