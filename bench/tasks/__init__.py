"""What people ask an agent to do, as scripted calls over MCP: with and without the comforts, and what that costs."""
