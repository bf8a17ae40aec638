DROP TABLE ontology_term;
