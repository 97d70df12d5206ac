"""What reading answers, views show and actions take: frozen values, and how people read and write them."""
