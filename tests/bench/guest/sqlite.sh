# sqlite.sh ROWS: tables in memory, filled, indexed, joined, grouped, changed.
sqlite3 :memory: "
PRAGMA temp_store = memory;
CREATE TABLE person (id INTEGER PRIMARY KEY, name TEXT, town INTEGER, score REAL);
CREATE TABLE town (id INTEGER PRIMARY KEY, name TEXT);
BEGIN;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100)
    INSERT INTO town SELECT i, printf('town-%03d', i * 37 % 100) FROM n;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
    INSERT INTO person SELECT i, printf('name-%05d', i * 7919 % 10007), i * 31 % 100 + 1, i * 0.25 FROM n;
COMMIT;
CREATE INDEX by_town ON person (town, score);
SELECT t.name, count(*), sum(p.score), min(p.name) FROM person p JOIN town t ON t.id = p.town
    WHERE p.score > 10 GROUP BY t.id ORDER BY 3 DESC LIMIT 20;
UPDATE person SET score = score * 2, name = upper(name) WHERE town % 3 = 0;
DELETE FROM person WHERE id % 7 = 0 AND name LIKE '%1%';
SELECT count(*), sum(length(name)), sum(score) FROM person WHERE name BETWEEN 'NAME' AND 'name-05000';
SELECT count(*) FROM person a JOIN person b ON b.id = a.id + 1 WHERE a.town < b.town;
"
