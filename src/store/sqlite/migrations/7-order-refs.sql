-- Where a provider knows an order by its own reference alone, another customer's order may have it already.

CREATE INDEX orders_by_ref ON orders (order_ref, id, customer_ref);
