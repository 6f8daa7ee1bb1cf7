-- +goose Up
CREATE TABLE users (id integer PRIMARY KEY);
