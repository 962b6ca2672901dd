"""HTTP as handlers see it: requests, responses, forms, cookies."""
