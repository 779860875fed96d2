"""What the template of Java projects knows: its build tools, and the programs that they make."""
