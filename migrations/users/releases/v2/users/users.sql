SELECT id, name, display_name, email FROM users ORDER BY id
