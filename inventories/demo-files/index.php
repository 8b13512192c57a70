<?php
// The demo's page: which server answered, and a picture from the media servers.
header('Cache-Control: no-store');
?>
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>demo farm</title>
<link rel="stylesheet" href="http://static.demo.example/site.css">
<h1>Served by <?= htmlspecialchars(gethostname()) ?></h1>
<p>PHP <?= PHP_VERSION ?>, pool <?= htmlspecialchars(getenv('POOL') ?: '?') ?>.</p>
<img src="http://static.demo.example/logo.svg" alt="three servers behind one name">
</html>
